#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "client/client_options.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace herald::client {

// A channel as `options` ask; it connects at the first call. kInvalidArgument for options that
// contradict each other, kNotFound for a file that cannot be read.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ClientOptions& options);

}  // namespace herald::client
