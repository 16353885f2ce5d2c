#include "storage/crypto/sealer.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "storage/crypto/aes_gcm.h"
#include "storage/crypto/random.h"

namespace herald::storage {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeaderBytes = 1 + 4;

uint32_t KeyId(absl::string_view sealed) {
  uint32_t id = 0;
  for (size_t i = 1; i < kHeaderBytes; ++i) id = id << 8 | static_cast<unsigned char>(sealed[i]);
  return id;
}

}  // namespace

Sealer::Sealer(std::vector<SealingKey> keys) : keys_(std::move(keys)) {
  if (keys_.empty()) std::abort();
}

std::string Sealer::Seal(absl::string_view aad, absl::string_view plaintext) const {
  const SealingKey& key = keys_.front();
  std::string sealed;
  sealed.reserve(plaintext.size() + kSealOverheadBytes);
  sealed.push_back(kVersion);
  for (const int shift : {24, 16, 8, 0}) sealed.push_back(static_cast<char>(key.id >> shift));
  char nonce[kGcmNonceBytes];
  FillRandomFast(nonce, sizeof(nonce));
  sealed.append(nonce, sizeof(nonce));
  AesGcmEncrypt(key.key, {nonce, sizeof(nonce)}, aad, plaintext, &sealed);
  return sealed;
}

absl::StatusOr<std::string> Sealer::Open(absl::string_view aad, absl::string_view sealed) const {
  if (sealed.size() < kSealOverheadBytes || sealed[0] != kVersion) {
    return absl::DataLossError("not a sealed value");
  }
  const uint32_t id = KeyId(sealed);
  for (const SealingKey& key : keys_) {
    if (key.id != id) continue;
    std::string plaintext;
    if (AesGcmDecrypt(key.key, sealed.substr(kHeaderBytes, kGcmNonceBytes), aad,
                      sealed.substr(kHeaderBytes + kGcmNonceBytes), &plaintext)) {
      return plaintext;
    }
    return absl::DataLossError("a sealed value was changed or moved");
  }
  return absl::NotFoundError(absl::StrCat("sealing key ", id, " is not here"));
}

}  // namespace herald::storage
