#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "server/rpc/server_options.h"

namespace herald::rpc {

// kInvalidArgument names the file that cannot be read or is empty.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(
    const absl::optional<TlsFiles>& tls);

}  // namespace herald::rpc
