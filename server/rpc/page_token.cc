#include "server/rpc/page_token.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/crypto.h>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace herald::rpc {
namespace {

constexpr size_t kMacBytes = 16;
constexpr size_t kTokenCharsMax = 1024;

// What is authenticated. The length keeps the two parts apart.
std::string Text(absl::string_view list, absl::string_view position) {
  return absl::StrCat(list.size(), ":", list, position);
}

}  // namespace

PageTokens::PageTokens(const std::vector<storage::SecretKey>& keys) {
  for (const storage::SecretKey& key : keys) macs_.emplace_back(key.bytes());
}

std::string PageTokens::Seal(absl::string_view list, absl::string_view position) const {
  const std::string mac = macs_.front().Compute(Text(list, position));
  return absl::WebSafeBase64Escape(
      absl::StrCat(absl::string_view(mac).substr(0, kMacBytes), position));
}

absl::optional<std::string> PageTokens::Open(absl::string_view list,
                                             absl::string_view token) const {
  std::string bytes;
  if (token.size() > kTokenCharsMax || !absl::WebSafeBase64Unescape(token, &bytes) ||
      bytes.size() < kMacBytes) {
    return absl::nullopt;
  }
  std::string position = bytes.substr(kMacBytes);
  const std::string text = Text(list, position);
  const bool ours = absl::c_any_of(macs_, [&](const storage::HmacSha256& mac) {
    return CRYPTO_memcmp(mac.Compute(text).data(), bytes.data(), kMacBytes) == 0;
  });
  if (!ours) return absl::nullopt;
  return position;
}

std::string PageTokens::SealNumber(absl::string_view list, int64_t position) const {
  return Seal(list, absl::StrCat(position));
}

absl::optional<int64_t> PageTokens::OpenNumber(absl::string_view list,
                                               absl::string_view token) const {
  const absl::optional<std::string> position = Open(list, token);
  int64_t number = 0;
  if (!position.has_value() || !absl::SimpleAtoi(*position, &number)) return absl::nullopt;
  return number;
}

std::string ListName(absl::string_view method, TenantId tenant) {
  return absl::StrCat(method, "\n", tenant.value, "\n");
}

std::string ListName(absl::string_view method, TenantId tenant,
                     const google::protobuf::Message& filter) {
  std::string name = ListName(method, tenant);
  {
    google::protobuf::io::StringOutputStream stream(&name);  // appends
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    filter.SerializeToCodedStream(&coded);
  }  // trims
  return name;
}

}  // namespace herald::rpc
