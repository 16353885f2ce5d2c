#include "server/webhook/grpc_channel.h"

namespace herald::webhook {
namespace {

// A heraldd that came back is found within a second, not after the minute that gRPC's growing
// pauses end up at.
constexpr int kReconnectMaxMs = 1000;

std::shared_ptr<grpc::ChannelCredentials> Credentials(
    const GrpcDeliveryEventSink::Options& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.ca_pem;
  ssl.pem_cert_chain = options.cert_pem;
  ssl.pem_private_key = options.key_pem;
  return grpc::SslCredentials(ssl);
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const GrpcDeliveryEventSink::Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // Repeating a batch is the provider's part, which waits for our answer.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(options.target, Credentials(options), arguments);
}

}  // namespace herald::webhook
