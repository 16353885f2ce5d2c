#include "server/rpc/audience_parts.h"

#include <string>

#include "server/rpc/method_policy.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

}  // namespace

absl::Status MayRevealEmail(const AudienceParts& parts, const identity::Caller& caller,
                            absl::string_view method, absl::string_view target) {
  const absl::Status allowed = CheckScopes(caller, storage::kScopeManage);
  if (!allowed.ok()) return allowed;
  return parts.tenants.WriteAuditEntry({caller.tenant, caller.Actor(), std::string(method),
                                        std::string(target), parts.shell.clock()});
}

absl::Status StreamDrained() {
  return WithRetryDelay(MakeError(absl::StatusCode::kUnavailable, "DRAINING",
                                  "this replica goes away: resume at another"),
                        kRetryDelay);
}

}  // namespace herald::rpc
