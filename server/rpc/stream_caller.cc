#include "server/rpc/stream_caller.h"

#include "server/rpc/call_metadata.h"
#include "server/status/status_details.h"

namespace herald::rpc {

absl::StatusOr<std::shared_ptr<const identity::Caller>> AdmitStream(
    const grpc::ServerContextBase& context, const MethodPolicy& policy, CallShell& shell) {
  const absl::string_view token = BearerToken(context);
  const absl::optional<identity::Authenticator::Hit> hit = shell.authenticator.TryCached(token);
  const identity::Authenticator::Result caller =
      hit.has_value() ? hit->result : shell.authenticator.Load(token);
  if (!caller.ok()) return caller.status();
  const absl::Status access = CheckAccess(policy, **caller);
  if (!access.ok()) return access;
  return *caller;
}

absl::Status CallerLeft() {
  return MakeError(absl::StatusCode::kCancelled, "CANCELLED", "the caller ended the stream");
}

}  // namespace herald::rpc
