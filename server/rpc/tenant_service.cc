#include "server/rpc/tenant_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "herald/v1/tenant_service.grpc.pb.h"
#include "server/identity/token.h"
#include "server/rpc/tenant_convert.h"

namespace herald::rpc {
namespace {

constexpr int kPageDefault = 50;
constexpr int kTenantPageMax = 200;
constexpr int kAuditPageMax = 500;
constexpr size_t kDisplayNameMax = 256;
constexpr size_t kSlugMax = 63;

bool IsSlug(absl::string_view text) {
  const auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= kSlugMax && is_letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return c == '-' || is_letter_or_digit(c); });
}

// What a store's error means to an operator; `missing` is what kNotFound is about.
absl::Status TenantError(const absl::Status& status, absl::string_view missing) {
  if (!ErrorReason(status).empty()) return status;
  if (absl::IsNotFound(status)) {
    const bool tenant = missing == "tenant";
    return MakeError(absl::StatusCode::kNotFound,
                     tenant ? "TENANT_NOT_FOUND" : "API_TOKEN_NOT_FOUND",
                     absl::StrCat("there is no such ", missing));
  }
  if (absl::IsAlreadyExists(status)) {
    return MakeError(absl::StatusCode::kAlreadyExists, "TENANT_EXISTS",
                     "there is a tenant with this slug");
  }
  return FromStorage(status);
}

// The key to continue after, from a page token; a violation for one of another list.
absl::optional<int64_t> Continuation(const PageTokens& tokens, absl::string_view list,
                                     absl::string_view token, RequestCheck& check) {
  if (token.empty()) return absl::nullopt;
  const absl::optional<int64_t> key = tokens.OpenNumber(list, token);
  if (!key.has_value()) check.Add("page_token", "was not given by this list");
  return key;
}

}  // namespace

class TenantService::Async final : public v1::TenantService::AsyncService {};

TenantService::TenantService(storage::TenantStore& store, const PageTokens& tokens,
                             std::function<absl::Time()> clock, SuppressionMethods suppressions)
    : store_(store),
      tokens_(tokens),
      clock_(std::move(clock)),
      suppressions_(std::move(suppressions)),
      async_(std::make_unique<Async>()) {
  methods_.Add("herald.v1.TenantService/CreateGlobalSuppression", *async_,
               &Async::RequestCreateGlobalSuppression,
               std::bind_front(&SuppressionMethods::Create, &suppressions_));
  methods_.Add("herald.v1.TenantService/DeleteGlobalSuppression", *async_,
               &Async::RequestDeleteGlobalSuppression,
               std::bind_front(&SuppressionMethods::Delete, &suppressions_));
  methods_.Add("herald.v1.TenantService/ListGlobalSuppressions", *async_,
               &Async::RequestListGlobalSuppressions,
               std::bind_front(&SuppressionMethods::List, &suppressions_));
  methods_.Add("herald.v1.TenantService/CreateTenant", *async_, &Async::RequestCreateTenant,
               std::bind_front(&TenantService::CreateTenant, this));
  methods_.Add("herald.v1.TenantService/GetTenant", *async_, &Async::RequestGetTenant,
               std::bind_front(&TenantService::GetTenant, this));
  methods_.Add("herald.v1.TenantService/ListTenants", *async_, &Async::RequestListTenants,
               std::bind_front(&TenantService::ListTenants, this));
  methods_.Add("herald.v1.TenantService/UpdateTenant", *async_, &Async::RequestUpdateTenant,
               std::bind_front(&TenantService::UpdateTenant, this));
  methods_.Add("herald.v1.TenantService/CreateApiToken", *async_, &Async::RequestCreateApiToken,
               std::bind_front(&TenantService::CreateApiToken, this));
  methods_.Add("herald.v1.TenantService/ListApiTokens", *async_, &Async::RequestListApiTokens,
               std::bind_front(&TenantService::ListApiTokens, this));
  methods_.Add("herald.v1.TenantService/RevokeApiToken", *async_, &Async::RequestRevokeApiToken,
               std::bind_front(&TenantService::RevokeApiToken, this));
  methods_.Add("herald.v1.TenantService/GetLedger", *async_, &Async::RequestGetLedger,
               std::bind_front(&TenantService::GetLedger, this));
  methods_.Add("herald.v1.TenantService/ListAuditEntries", *async_, &Async::RequestListAuditEntries,
               std::bind_front(&TenantService::ListAuditEntries, this));
}

TenantService::~TenantService() = default;

const char* TenantService::name() const { return v1::TenantService::service_full_name(); }

grpc::Service& TenantService::grpc_service() { return *async_; }

storage::AuditEntry TenantService::Audit(const Call& call, absl::optional<TenantId> tenant,
                                         absl::string_view target) const {
  return {tenant, call.caller()->Actor(), std::string(call.method()), std::string(target),
          clock_()};
}

absl::Status TenantService::CreateTenant(const Call& call, const v1::CreateTenantRequest& request,
                                         v1::Tenant& response) {
  RequestCheck check;
  const v1::Tenant& wanted = request.tenant();
  if (!IsSlug(wanted.slug())) check.Add("tenant.slug", "must match [a-z0-9][a-z0-9-]{0,62}");
  check.AtMost("tenant.display_name", wanted.display_name(), kDisplayNameMax);
  storage::Tenant tenant;
  tenant.slug = wanted.slug();
  tenant.display_name = wanted.display_name();
  tenant.sender_domains =
      ToDomains("tenant.allowed_sender_domains", wanted.allowed_sender_domains(), check);
  if (!check.ok()) return check.status();
  const auto created = store_.CreateTenant(tenant, Audit(call, absl::nullopt, tenant.slug));
  if (!created.ok()) return TenantError(created.status(), "tenant");
  ToProto(*created, response);
  return absl::OkStatus();
}

absl::Status TenantService::GetTenant(const Call&, const v1::GetTenantRequest& request,
                                      v1::Tenant& response) {
  const absl::optional<TenantId> id = ParseTenantId(request.id());
  if (!id.has_value() && !IsSlug(request.id())) {
    return InvalidField("id", "is neither a tenant id (tn_…) nor a slug");
  }
  const auto tenant = id.has_value() ? store_.GetTenant(*id) : store_.GetTenantBySlug(request.id());
  if (!tenant.ok()) return TenantError(tenant.status(), "tenant");
  ToProto(*tenant, response);
  return absl::OkStatus();
}

absl::Status TenantService::ListTenants(const Call& call, const v1::ListTenantsRequest& request,
                                        v1::ListTenantsResponse& response) {
  RequestCheck check;
  const int page = PageSize(request.page_size(), kPageDefault, kTenantPageMax, check);
  const std::string list = ListName(call.method(), TenantId{});
  const auto after = Continuation(tokens_, list, request.page_token(), check);
  if (!check.ok()) return check.status();
  const auto tenants = store_.ListTenants(page, after);
  if (!tenants.ok()) return TenantError(tenants.status(), "tenant");
  for (const storage::Tenant& tenant : tenants->rows) ToProto(tenant, *response.add_tenants());
  if (tenants->next.has_value()) {
    response.set_next_page_token(tokens_.SealNumber(list, *tenants->next));
  }
  return absl::OkStatus();
}

absl::Status TenantService::UpdateTenant(const Call& call, const v1::UpdateTenantRequest& request,
                                         v1::Tenant& response) {
  RequestCheck check;
  const absl::optional<TenantId> id = ParseTenantId(request.id());
  if (!id.has_value()) check.Add("id", "is not a tenant id (tn_…)");
  storage::TenantUpdate update;
  if (request.has_display_name()) {
    check.AtMost("display_name", request.display_name(), kDisplayNameMax);
    update.display_name = request.display_name();
  }
  if (request.has_state()) {
    if (request.state() != v1::Tenant::STATE_ACTIVE &&
        request.state() != v1::Tenant::STATE_SUSPENDED) {
      check.Add("state", "is not a state");
    }
    update.suspended = request.state() == v1::Tenant::STATE_SUSPENDED;
  }
  if (request.replace_sender_domains()) {
    update.sender_domains =
        ToDomains("allowed_sender_domains", request.allowed_sender_domains(), check);
  } else if (request.allowed_sender_domains_size() > 0) {
    check.Add("replace_sender_domains", "must be set to change allowed_sender_domains");
  }
  if (!check.ok()) return check.status();
  const auto tenant = store_.UpdateTenant(*id, update, Audit(call, *id, request.id()));
  if (!tenant.ok()) return TenantError(tenant.status(), "tenant");
  ToProto(*tenant, response);
  return absl::OkStatus();
}

absl::Status TenantService::CreateApiToken(const Call& call,
                                           const v1::CreateApiTokenRequest& request,
                                           v1::CreateApiTokenResponse& response) {
  RequestCheck check;
  storage::ApiToken token = ToApiToken(request, clock_(), check);
  if (!check.ok()) return check.status();
  const std::string secret = identity::NewSecret();
  token.secret_hash = identity::HashSecret(secret);
  const auto created =
      store_.CreateApiToken(token, Audit(call, token.tenant, request.display_name()));
  if (!created.ok()) return TenantError(created.status(), "tenant");
  ToProto(*created, *response.mutable_api_token());
  response.set_secret(identity::FormatToken(created->mode, created->id, secret));
  return absl::OkStatus();
}

absl::Status TenantService::ListApiTokens(const Call&, const v1::ListApiTokensRequest& request,
                                          v1::ListApiTokensResponse& response) {
  const absl::optional<TenantId> tenant = ParseTenantId(request.tenant_id());
  if (!tenant.has_value()) return InvalidField("tenant_id", "is not a tenant id (tn_…)");
  const auto tokens = store_.ListApiTokens(*tenant);
  if (!tokens.ok()) return TenantError(tokens.status(), "tenant");
  for (const storage::ApiToken& token : *tokens) ToProto(token, *response.add_api_tokens());
  return absl::OkStatus();
}

absl::Status TenantService::RevokeApiToken(const Call& call,
                                           const v1::RevokeApiTokenRequest& request,
                                           v1::ApiToken& response) {
  RequestCheck check;
  const absl::optional<TenantId> tenant = ParseTenantId(request.tenant_id());
  if (!tenant.has_value()) check.Add("tenant_id", "is not a tenant id (tn_…)");
  const absl::optional<ApiTokenId> id = ParseApiTokenId(request.id());
  if (!id.has_value()) check.Add("id", "is not a token id (tk_…)");
  if (!check.ok()) return check.status();
  const auto token = store_.RevokeApiToken(*tenant, *id, Audit(call, *tenant, request.id()));
  if (!token.ok()) return TenantError(token.status(), "API token");
  ToProto(*token, response);
  return absl::OkStatus();
}

absl::Status TenantService::GetLedger(const Call&, const v1::GetLedgerRequest& request,
                                      v1::Ledger& response) {
  const absl::optional<TenantId> tenant = ParseTenantId(request.tenant_id());
  if (!tenant.has_value()) return InvalidField("tenant_id", "is not a tenant id (tn_…)");
  const auto ledgers = store_.GetLedger(*tenant);
  if (!ledgers.ok()) return TenantError(ledgers.status(), "tenant");
  response.set_tenant_id(FormatTenantId(*tenant));
  for (const storage::LaneLedger& ledger : *ledgers) ToProto(ledger, *response.add_lanes());
  return absl::OkStatus();
}

absl::Status TenantService::ListAuditEntries(const Call& call,
                                             const v1::ListAuditEntriesRequest& request,
                                             v1::ListAuditEntriesResponse& response) {
  RequestCheck check;
  absl::optional<TenantId> tenant;
  if (!request.tenant_id().empty()) {
    tenant = ParseTenantId(request.tenant_id());
    if (!tenant.has_value()) check.Add("tenant_id", "is not a tenant id (tn_…)");
  }
  const int page = PageSize(request.page_size(), kPageDefault, kAuditPageMax, check);
  const std::string list = ListName(call.method(), tenant.value_or(TenantId{}));
  const auto before = Continuation(tokens_, list, request.page_token(), check);
  if (!check.ok()) return check.status();
  const auto entries = store_.ListAuditEntries(tenant, page, before);
  if (!entries.ok()) return TenantError(entries.status(), "tenant");
  for (const storage::AuditEntry& entry : entries->rows) ToProto(entry, *response.add_entries());
  if (entries->next.has_value()) {
    response.set_next_page_token(tokens_.SealNumber(list, *entries->next));
  }
  return absl::OkStatus();
}

}  // namespace herald::rpc
