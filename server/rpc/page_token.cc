#include "server/rpc/page_token.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace herald::rpc {
namespace {

constexpr size_t kMacBytes = 16;
constexpr size_t kTokenCharsMax = 1024;

}  // namespace

std::string PageTokens::Mac(absl::string_view list, absl::string_view position) const {
  // The length keeps the two parts apart.
  const std::string text = absl::StrCat(list.size(), ":", list, position);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  return std::string(reinterpret_cast<const char*>(mac.data()), kMacBytes);
}

std::string PageTokens::Seal(absl::string_view list, absl::string_view position) const {
  return absl::WebSafeBase64Escape(absl::StrCat(Mac(list, position), position));
}

absl::optional<std::string> PageTokens::Open(absl::string_view list,
                                             absl::string_view token) const {
  std::string bytes;
  if (token.size() > kTokenCharsMax || !absl::WebSafeBase64Unescape(token, &bytes) ||
      bytes.size() < kMacBytes) {
    return absl::nullopt;
  }
  std::string position = bytes.substr(kMacBytes);
  const std::string mac = Mac(list, position);
  if (CRYPTO_memcmp(mac.data(), bytes.data(), kMacBytes) != 0) return absl::nullopt;
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
