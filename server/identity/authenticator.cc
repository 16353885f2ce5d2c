#include "server/identity/authenticator.h"

#include <algorithm>
#include <utility>

#include "server/status/status_details.h"

namespace herald::identity {
namespace {

// While the database is away, a stale caller is believed for so long before it is asked again.
constexpr absl::Duration kStaleStep = absl::Seconds(1);

absl::string_view AsText(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

absl::Status TokenMissing() {
  return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_MISSING",
                   "metadata `authorization: Bearer <token>` is missing");
}

absl::Status TokenInvalid() {
  return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_INVALID",
                   "the token is unknown or revoked");
}

absl::Status TokenExpired() {
  return MakeError(absl::StatusCode::kUnauthenticated, "TOKEN_EXPIRED", "the token has expired");
}

std::shared_ptr<const Caller> OfKind(Caller::Kind kind) {
  auto caller = std::make_shared<Caller>();
  caller->kind = kind;
  return caller;
}

// Looks at every hash, so that the time does not tell which one matched.
bool Contains(const std::vector<Digest>& hashes, const Digest& digest) {
  bool found = false;
  for (const Digest& hash : hashes) found |= EqualDigests(AsText(hash), AsText(digest));
  return found;
}

}  // namespace

Authenticator::Authenticator(storage::TenantStore& store, AuthenticatorOptions options, Clock clock,
                             Clock steady)
    : store_(store),
      options_(std::move(options)),
      clock_(std::move(clock)),
      steady_(std::move(steady)),
      operator_(OfKind(Caller::Kind::kOperator)),
      sidecar_(OfKind(Caller::Kind::kSidecar)),
      callers_(options_.callers_max),
      refusals_(options_.refusals_max) {}

std::shared_ptr<const Caller> Authenticator::ServiceCaller(const Digest& digest) const {
  if (Contains(options_.operator_tokens, digest)) return operator_;
  if (Contains(options_.sidecar_tokens, digest)) return sidecar_;
  return nullptr;
}

absl::optional<Authenticator::Hit> Authenticator::TryCached(absl::string_view token) {
  if (token.empty()) return Hit{TokenMissing()};
  const Digest digest = HashText(token);
  if (auto service = ServiceCaller(digest)) return Hit{std::move(service)};
  const absl::Time now = steady_();
  const absl::Time moment = clock_();
  absl::MutexLock lock(&mu_);
  if (Entry* entry = callers_.Find(digest); entry != nullptr && now < entry->believed_until) {
    if (moment >= entry->expire_time) return Hit{TokenExpired()};
    const bool refresh = now >= entry->refresh_at;
    if (refresh) entry->refresh_at = now + options_.refresh_after;
    return Hit{entry->caller, refresh};
  }
  if (Refusal* refusal = refusals_.Find(digest); refusal != nullptr && now < refusal->until) {
    return Hit{refusal->status};
  }
  if (!ParseToken(token).has_value()) return Hit{TokenInvalid()};
  return absl::nullopt;
}

Authenticator::Result Authenticator::Load(absl::string_view token) {
  if (token.empty()) return TokenMissing();
  const Digest digest = HashText(token);
  if (auto service = ServiceCaller(digest)) return service;
  const absl::optional<ParsedToken> parsed = ParseToken(token);
  if (!parsed.has_value()) return TokenInvalid();
  Entry entry;
  entry.proven_at = steady_();
  Result result = Prove(*parsed, entry);
  return Remember(digest, std::move(result), std::move(entry));
}

Authenticator::Result Authenticator::Prove(const ParsedToken& parsed, Entry& entry) {
  const absl::StatusOr<storage::ApiToken> found = store_.FindApiToken(parsed.id);
  if (!found.ok() && !absl::IsNotFound(found.status())) return FromStorage(found.status());
  // An unknown id is compared as well, against zeros that no secret hashes to.
  static const std::string* const nobody = new std::string(sizeof(Digest), '\0');
  const bool matches =
      EqualDigests(found.ok() ? found->secret_hash : *nobody, HashSecret(parsed.secret));
  if (!found.ok() || !matches || found->mode != parsed.mode) return TokenInvalid();
  if (found->revoke_time.has_value()) return TokenInvalid();
  entry.expire_time = found->expire_time.value_or(absl::InfiniteFuture());
  if (clock_() >= entry.expire_time) return TokenExpired();

  const absl::StatusOr<storage::Tenant> tenant = store_.GetTenant(found->tenant);
  if (absl::IsNotFound(tenant.status())) return TokenInvalid();
  if (!tenant.ok()) return FromStorage(tenant.status());
  if (tenant->suspended) {
    return MakeError(absl::StatusCode::kPermissionDenied, "TENANT_SUSPENDED",
                     "the tenant is suspended");
  }
  auto caller = std::make_shared<Caller>();
  caller->tenant = found->tenant;
  caller->token = found->id;
  caller->mode = found->mode;
  caller->scopes = found->scopes;
  caller->allowed_recipients = found->allowed_recipients;
  caller->sender_domains = tenant->sender_domains;
  return std::shared_ptr<const Caller>(std::move(caller));
}

Authenticator::Result Authenticator::Remember(const Digest& digest, Result result, Entry entry) {
  const absl::Time now = steady_();
  const absl::Time moment = clock_();
  absl::MutexLock lock(&mu_);
  if (result.ok()) {
    entry.caller = *result;
    entry.believed_until = entry.proven_at + options_.ttl;
    entry.refresh_at = entry.proven_at + options_.refresh_after;
    callers_.Put(digest, std::move(entry));
    refusals_.Erase(digest);
    return result;
  }
  const absl::StatusCode code = result.status().code();
  if (code == absl::StatusCode::kUnauthenticated || code == absl::StatusCode::kPermissionDenied) {
    callers_.Erase(digest);
    refusals_.Put(digest, {result.status(), now + options_.refusal_ttl});
    return result;
  }
  // The database could not say. Whoever was proven not long ago is let through to be told so by
  // the store itself.
  Entry* known = callers_.Find(digest);
  if (known == nullptr || now >= known->proven_at + options_.stale_max) return result;
  if (moment >= known->expire_time) return TokenExpired();
  known->believed_until = std::max(
      known->believed_until, std::min(now + kStaleStep, known->proven_at + options_.stale_max));
  return known->caller;
}

}  // namespace herald::identity
