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

// Sleeps for `wait` while the channel works on its connection. gRPC 1.51 leaves a connection alone
// while no thread waits on its channel, but for a look every 5 seconds: between tries that fail at
// once, a plain sleep would keep a caller away for as long from a server that is back.
void SleepConnecting(grpc::Channel& channel, absl::Duration wait);

}  // namespace herald::client
