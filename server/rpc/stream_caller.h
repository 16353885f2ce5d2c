#pragma once

#include <grpcpp/server_context.h>

#include <memory>

#include "absl/status/statusor.h"
#include "server/rpc/call.h"

namespace herald::rpc {

// Who opened a stream, if they may; blocks when the token is not known yet.
absl::StatusOr<std::shared_ptr<const identity::Caller>> AdmitStream(
    const grpc::ServerContextBase& context, const MethodPolicy& policy, CallShell& shell);

// CANCELLED, for a caller who went away.
absl::Status CallerLeft();

}  // namespace herald::rpc
