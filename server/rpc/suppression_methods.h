#pragma once

#include "herald/v1/preferences.pb.h"
#include "server/rpc/call.h"
#include "server/rpc/page_token.h"
#include "server/rpc/preference_parts.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// The methods about suppressions: of ContactService for a tenant's own, and of TenantService for
// those that bind every tenant. Whose they are follows from the caller.
class SuppressionMethods {
 public:
  // `tenants` (for its audit log) and `tokens` outlive this.
  SuppressionMethods(const PreferenceParts& parts, storage::TenantStore& tenants,
                     const PageTokens& tokens, std::function<absl::Time()> clock)
      : parts_(parts), tenants_(tenants), tokens_(tokens), clock_(std::move(clock)) {}

  absl::Status Create(const Call& call, const v1::CreateSuppressionRequest& request,
                      v1::Suppression& response);
  absl::Status Delete(const Call& call, const v1::DeleteSuppressionRequest& request,
                      v1::DeleteSuppressionResponse& response);
  absl::Status List(const Call& call, const v1::ListSuppressionsRequest& request,
                    v1::ListSuppressionsResponse& response);
  absl::Status Check(const Call& call, const v1::CheckSuppressionRequest& request,
                     v1::CheckSuppressionResponse& response);

 private:
  const PreferenceParts parts_;
  storage::TenantStore& tenants_;
  const PageTokens& tokens_;
  const std::function<absl::Time()> clock_;
};

}  // namespace herald::rpc
