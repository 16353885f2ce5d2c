#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/identity/caller.h"

namespace herald::rpc {

// Who may call a method, and where its work runs.
struct MethodPolicy {
  // Full name without the leading slash, as in audit entries: "herald.v1.EmailService/SendEmail".
  absl::string_view method;
  identity::Caller::Kind kind;
  // Bits of storage::TokenScope, all of them needed; 0 unless `kind` is kTenant.
  int scopes;
  // kInline: on the polling thread, for methods that never block. kAsSearch: a tenant's methods
  // that may look at very many rows, on threads of their own.
  enum class Runs { kInline, kOnExecutor, kAsSearch, kAsStream } runs;
};

// One entry for every method that is served.
absl::Span<const MethodPolicy> AllMethodPolicies();
// Aborts for a method without a policy: nothing is served without one.
const MethodPolicy& PolicyOf(absl::string_view method);

// PERMISSION_DENIED with TENANT_ONLY, OPERATOR_ONLY, SIDECAR_ONLY or SCOPE_MISSING.
absl::Status CheckAccess(const MethodPolicy& policy, const identity::Caller& caller);
// PERMISSION_DENIED with SCOPE_MISSING.
absl::Status CheckScopes(const identity::Caller& caller, int scopes);

}  // namespace herald::rpc
