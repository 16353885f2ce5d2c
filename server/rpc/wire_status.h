#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace herald::rpc {

// Errors on their way out. Every error leaves with exactly one ErrorInfo: what has none passes
// through herald::FromStorage.
google::rpc::Status ToRpcStatus(const absl::Status& status);
// The same as gRPC sends it, details in the trailer `grpc-status-details-bin`.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace herald::rpc
