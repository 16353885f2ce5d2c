#include "server/preferences/unsubscribe_tokens.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "herald/internal/v1/content.pb.h"
#include "server/status/status_details.h"

namespace herald::preferences {
namespace {

constexpr char kPlace[] = "unsubscribe";
// An address has at most 254 bytes and a category 64.
constexpr size_t kTokenBytesMax = 1024;

absl::Status Invalid() {
  return MakeError(absl::StatusCode::kNotFound, "UNSUBSCRIBE_TOKEN_INVALID",
                   "this is no unsubscribe token of this service");
}

}  // namespace

std::string UnsubscribeTokens::Mint(const UnsubscribeSubject& subject, absl::Time now) const {
  internal::v1::UnsubscribeToken token;
  token.set_tenant(subject.tenant.value);
  token.set_email(subject.email.value);
  token.set_address(subject.address);
  token.set_category(subject.category);
  token.set_expire_time(absl::ToUnixSeconds(now + lifetime_));
  return absl::WebSafeBase64Escape(sealer_.Seal(kPlace, token.SerializeAsString()));
}

absl::StatusOr<UnsubscribeSubject> UnsubscribeTokens::Open(absl::string_view text,
                                                           absl::Time now) const {
  std::string sealed;
  if (text.size() > kTokenBytesMax || !absl::WebSafeBase64Unescape(text, &sealed)) return Invalid();
  const absl::StatusOr<std::string> opened = sealer_.Open(kPlace, sealed);
  internal::v1::UnsubscribeToken token;
  if (!opened.ok() || !token.ParseFromString(*opened)) return Invalid();
  if (absl::FromUnixSeconds(token.expire_time()) <= now) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "UNSUBSCRIBE_TOKEN_EXPIRED",
                     "this unsubscribe token has expired; a newer email has another one");
  }
  return UnsubscribeSubject{TenantId{token.tenant()}, EmailId{token.email()}, token.address(),
                            token.category()};
}

std::string UnsubscribeLinks::LinkFor(const UnsubscribeSubject& subject, absl::Time now) const {
  return absl::StrCat(base_url_, "/u/", tokens_.Mint(subject, now));
}

}  // namespace herald::preferences
