#include "server/rpc/tenant_convert.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/address.h"
#include "server/rpc/redaction.h"

namespace herald::rpc {
namespace {

constexpr size_t kDisplayNameMax = 256;
constexpr int kListedMax = 100;

static_assert(static_cast<int>(storage::TokenMode::kRestricted) == v1::ApiToken::MODE_RESTRICTED);

// A normalised address, or "@domain".
absl::StatusOr<std::string> ToPattern(absl::string_view text) {
  if (absl::StartsWith(text, "@")) {
    absl::StatusOr<std::string> domain = ParseDomain(text.substr(1));
    if (!domain.ok()) return domain.status();
    return absl::StrCat("@", *domain);
  }
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return address.status();
  return address->Normalised();
}

int ToScopes(const v1::CreateApiTokenRequest& request, RequestCheck& check) {
  int scopes = 0;
  for (const int scope : request.scopes()) {
    switch (scope) {
      case v1::ApiToken::SCOPE_SEND:
        scopes |= storage::kScopeSend;
        break;
      case v1::ApiToken::SCOPE_READ:
        scopes |= storage::kScopeRead;
        break;
      case v1::ApiToken::SCOPE_MANAGE:
        scopes |= storage::kScopeManage;
        break;
      default:
        check.Add("scopes", "names a scope that does not exist");
        return scopes;
    }
  }
  if (scopes == 0) check.Add("scopes", "is required");
  return scopes;
}

void ToAllowedRecipients(const v1::CreateApiTokenRequest& request, storage::ApiToken& token,
                         RequestCheck& check) {
  const bool restricted = token.mode == storage::TokenMode::kRestricted;
  const int count = request.allowed_recipients_size();
  if (restricted && count == 0) check.Add("allowed_recipients", "is required with MODE_RESTRICTED");
  if (!restricted && count > 0) check.Add("allowed_recipients", "goes only with MODE_RESTRICTED");
  if (count > kListedMax) {
    check.Add("allowed_recipients", "has more than 100 items");
    return;
  }
  for (int i = 0; i < count; ++i) {
    absl::StatusOr<std::string> pattern = ToPattern(request.allowed_recipients(i));
    if (!pattern.ok()) {
      check.Add(absl::StrCat("allowed_recipients[", i, "]"), pattern.status().message());
      continue;
    }
    token.allowed_recipients.push_back(*std::move(pattern));
  }
}

}  // namespace

std::vector<std::string> ToDomains(absl::string_view field,
                                   const google::protobuf::RepeatedPtrField<std::string>& texts,
                                   RequestCheck& check) {
  std::vector<std::string> domains;
  if (texts.size() > kListedMax) {
    check.Add(field, "has more than 100 items");
    return domains;
  }
  for (int i = 0; i < texts.size(); ++i) {
    absl::StatusOr<std::string> domain = ParseDomain(texts[i]);
    if (!domain.ok()) {
      check.Add(absl::StrCat(field, "[", i, "]"), domain.status().message());
      continue;
    }
    if (std::find(domains.begin(), domains.end(), *domain) == domains.end()) {
      domains.push_back(*std::move(domain));
    }
  }
  return domains;
}

storage::ApiToken ToApiToken(const v1::CreateApiTokenRequest& request, absl::Time now,
                             RequestCheck& check) {
  storage::ApiToken token;
  const absl::optional<TenantId> tenant = ParseTenantId(request.tenant_id());
  if (!tenant.has_value()) check.Add("tenant_id", "is not a tenant id (tn_…)");
  token.tenant = tenant.value_or(TenantId{});
  check.AtMost("display_name", request.display_name(), kDisplayNameMax);
  token.display_name = request.display_name();
  if (!v1::ApiToken::Mode_IsValid(request.mode())) {
    check.Add("mode", "is not a mode");
  } else if (request.mode() != v1::ApiToken::MODE_UNSPECIFIED) {
    token.mode = static_cast<storage::TokenMode>(request.mode());
  }
  token.scopes = ToScopes(request, check);
  ToAllowedRecipients(request, token, check);
  if (request.has_expire_time()) {
    token.expire_time = CheckTime("expire_time", request.expire_time(), check);
    if (token.expire_time.has_value() && *token.expire_time <= now) {
      check.Add("expire_time", "has passed");
    }
  }
  return token;
}

void ToProto(const storage::Tenant& tenant, v1::Tenant& message) {
  message.set_id(FormatTenantId(tenant.id));
  message.set_slug(tenant.slug);
  message.set_display_name(tenant.display_name);
  for (const std::string& domain : tenant.sender_domains) {
    message.add_allowed_sender_domains(domain);
  }
  message.set_state(tenant.suspended ? v1::Tenant::STATE_SUSPENDED : v1::Tenant::STATE_ACTIVE);
  *message.mutable_create_time() = ToTimestamp(tenant.create_time);
}

void ToProto(const storage::ApiToken& token, v1::ApiToken& message) {
  message.set_id(FormatApiTokenId(token.id));
  message.set_tenant_id(FormatTenantId(token.tenant));
  message.set_display_name(token.display_name);
  message.set_mode(static_cast<v1::ApiToken::Mode>(token.mode));
  if ((token.scopes & storage::kScopeSend) != 0) message.add_scopes(v1::ApiToken::SCOPE_SEND);
  if ((token.scopes & storage::kScopeRead) != 0) message.add_scopes(v1::ApiToken::SCOPE_READ);
  if ((token.scopes & storage::kScopeManage) != 0) message.add_scopes(v1::ApiToken::SCOPE_MANAGE);
  for (const std::string& pattern : token.allowed_recipients) {
    message.add_allowed_recipients(RedactAddress(pattern));
  }
  *message.mutable_create_time() = ToTimestamp(token.create_time);
  if (token.expire_time.has_value()) {
    *message.mutable_expire_time() = ToTimestamp(*token.expire_time);
  }
  if (token.revoke_time.has_value()) {
    *message.mutable_revoke_time() = ToTimestamp(*token.revoke_time);
  }
}

void ToProto(const storage::AuditEntry& entry, v1::AuditEntry& message) {
  if (entry.tenant.has_value()) message.set_tenant_id(FormatTenantId(*entry.tenant));
  message.set_actor(entry.actor);
  message.set_action(entry.action);
  message.set_target(entry.target);
  *message.mutable_create_time() = ToTimestamp(entry.create_time);
}

void ToProto(const storage::LaneLedger& ledger, v1::LaneLedger& message) {
  message.set_lane(static_cast<v1::Lane>(ledger.lane));
  message.set_accepted(ledger.accepted);
  message.set_pending(ledger.pending);
  message.set_sent(ledger.sent);
  message.set_failed(ledger.failed);
  message.set_dead(ledger.dead);
  message.set_suppressed(ledger.suppressed);
  message.set_cancelled(ledger.cancelled);
  message.set_expired(ledger.expired);
}

}  // namespace herald::rpc
