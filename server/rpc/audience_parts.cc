#include "server/rpc/audience_parts.h"

#include <string>

#include "server/rpc/method_policy.h"

namespace herald::rpc {

absl::Status MayRevealEmail(const AudienceParts& parts, const identity::Caller& caller,
                            absl::string_view method, absl::string_view target) {
  const absl::Status allowed = CheckScopes(caller, storage::kScopeManage);
  if (!allowed.ok()) return allowed;
  return parts.tenants.WriteAuditEntry({caller.tenant, caller.Actor(), std::string(method),
                                        std::string(target), parts.shell.clock()});
}

}  // namespace herald::rpc
