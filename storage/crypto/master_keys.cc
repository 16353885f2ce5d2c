#include "storage/crypto/master_keys.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/crypto/hmac.h"
#include "storage/crypto/sealer.h"
#include "storage/crypto/sha256.h"

namespace herald::storage {
namespace {

bool IsKeyId(absl::string_view id) {
  return !id.empty() && id.size() <= 64 && absl::c_all_of(id, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

absl::Status BadLine(int line, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("master keys, line ", line, ": ", why));
}

}  // namespace

absl::StatusOr<MasterKeys> MasterKeys::Parse(absl::string_view text) {
  MasterKeys result;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (!IsKeyId(parts.first)) return BadLine(number, "expected \"id:base64\"");
    if (absl::c_any_of(result.keys_, [&](const Key& k) { return k.id == parts.first; })) {
      return BadLine(number, "this id was given before");
    }
    std::string bytes;
    const bool decoded = absl::Base64Unescape(parts.second, &bytes);
    if (!decoded || bytes.size() != kSecretKeyBytes) {
      Wipe(&bytes);
      return BadLine(number, "expected the base64 of 32 bytes");
    }
    result.keys_.push_back({std::string(parts.first), SecretKey::FromBytes(bytes)});
    Wipe(&bytes);
  }
  if (result.keys_.empty()) return absl::InvalidArgumentError("master keys: there is none");
  return result;
}

Sealer MasterKeys::DeriveSealer(absl::string_view purpose) const {
  const std::vector<SecretKey> derived = DeriveKeys(purpose);
  std::vector<SealingKey> sealing;
  for (size_t i = 0; i < derived.size(); ++i) {
    const std::string name = Sha256(keys_[i].id);
    uint32_t id = 0;
    for (size_t j = 0; j < sizeof(id); ++j) id = id << 8 | static_cast<unsigned char>(name[j]);
    sealing.push_back({id, derived[i]});
  }
  return Sealer(std::move(sealing));
}

std::vector<SecretKey> MasterKeys::DeriveKeys(absl::string_view purpose) const {
  std::vector<SecretKey> derived;
  for (const Key& key : keys_) {
    std::string bytes = HmacSha256(key.key.bytes()).Compute(purpose);
    derived.push_back(SecretKey::FromBytes(bytes));
    Wipe(&bytes);
  }
  return derived;
}

WrappedKey MasterKeys::Wrap(const SecretKey& key, absl::string_view aad) const {
  const Key& primary = keys_.front();
  return {primary.id, Sealer({{0, primary.key}}).Seal(aad, key.bytes())};
}

absl::StatusOr<SecretKey> MasterKeys::Unwrap(const WrappedKey& wrapped,
                                             absl::string_view aad) const {
  const auto master =
      absl::c_find_if(keys_, [&](const Key& k) { return k.id == wrapped.master_key_id; });
  if (master == keys_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("master key ", wrapped.master_key_id, " is not configured"));
  }
  absl::StatusOr<std::string> bytes = Sealer({{0, master->key}}).Open(aad, wrapped.bytes);
  if (!bytes.ok() || bytes->size() != kSecretKeyBytes) {
    return absl::DataLossError("a wrapped key was changed or moved");
  }
  SecretKey key = SecretKey::FromBytes(*bytes);
  Wipe(&*bytes);
  return key;
}

}  // namespace herald::storage
