#include "server/rpc/stream_caller.h"

#include "server/status/status_details.h"

namespace herald::rpc {

absl::StatusOr<std::shared_ptr<const identity::Caller>> AdmitStream(absl::string_view token,
                                                                    const MethodPolicy& policy,
                                                                    CallShell& shell) {
  const absl::optional<identity::Authenticator::Hit> hit = shell.authenticator.TryCached(token);
  const bool known = hit.has_value() && !hit->refresh;
  const identity::Authenticator::Result caller =
      known ? hit->result : shell.authenticator.Load(token);
  if (!caller.ok()) return caller.status();
  const absl::Status access = CheckAccess(policy, **caller);
  if (!access.ok()) return access;
  return *caller;
}

absl::Status CallerLeft() {
  return MakeError(absl::StatusCode::kCancelled, "CANCELLED", "the caller ended the stream");
}

}  // namespace herald::rpc
