#include "server/rpc/method_policy.h"

#include <array>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

using Kind = identity::Caller::Kind;
using Runs = MethodPolicy::Runs;
using storage::kScopeManage;
using storage::kScopeRead;
using storage::kScopeSend;

constexpr std::array kPolicies = {
    MethodPolicy{"herald.v1.ContactService/CheckSuppression", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/CreateCategory", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/CreateSuppression", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/DeleteCategory", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/DeleteSuppression", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/GetCategory", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/GetPreferences", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/ExportSuppressions", Kind::kTenant, kScopeRead,
                 Runs::kAsStream},
    MethodPolicy{"herald.v1.ContactService/ImportSuppressions", Kind::kTenant, kScopeManage,
                 Runs::kAsStream},
    MethodPolicy{"herald.v1.ContactService/ListCategories", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/ListSuppressions", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/SetPreferences", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/UpdateCategory", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/CreateContact", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/CreateSegment", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/DeleteContact", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/DeleteSegment", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/ExportContacts", Kind::kTenant, kScopeRead,
                 Runs::kAsStream},
    MethodPolicy{"herald.v1.ContactService/GetContact", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/GetSegment", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/ImportContacts", Kind::kTenant, kScopeManage,
                 Runs::kAsStream},
    MethodPolicy{"herald.v1.ContactService/ListContacts", Kind::kTenant, kScopeRead,
                 Runs::kAsSearch},
    MethodPolicy{"herald.v1.ContactService/ListSegments", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/PreviewSegment", Kind::kTenant, kScopeRead,
                 Runs::kAsSearch},
    MethodPolicy{"herald.v1.ContactService/UpdateContact", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.ContactService/UpdateSegment", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.DeliveryEventService/RecordDeliveryEvents", Kind::kSidecar, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.DeliveryEventService/ResolveUnsubscribeToken", Kind::kSidecar, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.DeliveryEventService/Unsubscribe", Kind::kSidecar, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/CancelEmail", Kind::kTenant, kScopeSend,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/GetEmail", Kind::kTenant, kScopeRead, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/ListEmailEvents", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/ListEmails", Kind::kTenant, kScopeRead, Runs::kAsSearch},
    MethodPolicy{"herald.v1.EmailService/RedriveEmail", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/RedriveEmails", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/RescheduleEmail", Kind::kTenant, kScopeSend,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/SendEmail", Kind::kTenant, kScopeSend, Runs::kInline},
    // Validating a thousand emails would hold up the polling thread.
    MethodPolicy{"herald.v1.EmailService/SendEmails", Kind::kTenant, kScopeSend, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.EmailService/WatchEmailEvents", Kind::kTenant, kScopeRead,
                 Runs::kAsStream},
    MethodPolicy{"herald.v1.TemplateService/CreateTemplate", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/CreateTemplateVersion", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/DeleteTemplate", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/GetTemplate", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/GetTemplateVersion", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/ListTemplateVersions", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/ListTemplates", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/PublishTemplateVersion", Kind::kTenant, kScopeManage,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/RenderTemplate", Kind::kTenant, kScopeRead,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TemplateService/SendTestEmail", Kind::kTenant,
                 kScopeManage | kScopeSend, Runs::kInline},
    MethodPolicy{"herald.v1.TenantService/CreateApiToken", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/CreateGlobalSuppression", Kind::kOperator, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/CreateTenant", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/DeleteGlobalSuppression", Kind::kOperator, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/DisableProviderAccount", Kind::kOperator, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/EnableProviderAccount", Kind::kOperator, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/GetLedger", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/GetTenant", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/GetTenantLimits", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/ListApiTokens", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/ListAuditEntries", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/ListGlobalSuppressions", Kind::kOperator, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/ListProviderAccounts", Kind::kOperator, 0,
                 Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/ListTenantRoutes", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/ListTenants", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/RevokeApiToken", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/SetTenantLimits", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/UpdateTenant", Kind::kOperator, 0, Runs::kOnExecutor},
    MethodPolicy{"herald.v1.TenantService/UpdateTenantRoute", Kind::kOperator, 0,
                 Runs::kOnExecutor},
};

absl::Status Denied(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kPermissionDenied, reason, message);
}

std::string ScopeNames(int scopes) {
  std::vector<absl::string_view> names;
  if ((scopes & kScopeSend) != 0) names.push_back("SEND");
  if ((scopes & kScopeRead) != 0) names.push_back("READ");
  if ((scopes & kScopeManage) != 0) names.push_back("MANAGE");
  return absl::StrJoin(names, ",");
}

}  // namespace

absl::Span<const MethodPolicy> AllMethodPolicies() { return kPolicies; }

const MethodPolicy& PolicyOf(absl::string_view method) {
  for (const MethodPolicy& policy : kPolicies) {
    if (policy.method == method) return policy;
  }
  std::abort();
}

absl::Status CheckAccess(const MethodPolicy& policy, const identity::Caller& caller) {
  if (caller.kind != policy.kind) {
    switch (policy.kind) {
      case Kind::kTenant:
        return Denied("TENANT_ONLY", "this method needs the API token of a tenant");
      case Kind::kOperator:
        return Denied("OPERATOR_ONLY", "this method needs the operator's token");
      case Kind::kSidecar:
        return Denied("SIDECAR_ONLY", "this method needs the sidecar's token");
    }
  }
  return CheckScopes(caller, policy.scopes);
}

absl::Status CheckScopes(const identity::Caller& caller, int scopes) {
  const int missing = scopes & ~caller.scopes;
  if (missing == 0) return absl::OkStatus();
  const std::string names = ScopeNames(missing);
  return MakeError(absl::StatusCode::kPermissionDenied, "SCOPE_MISSING",
                   absl::StrCat("the token lacks the scope ", names), {{"scopes", names}});
}

}  // namespace herald::rpc
