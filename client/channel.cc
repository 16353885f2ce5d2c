#include "client/channel.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/read_file.h"

namespace herald::client {
namespace {

constexpr int kReceiveBytesMax = 32 << 20;  // a page of 500 emails with full metadata is 6 MiB
constexpr int kReconnectMinMs = 100;
constexpr int kReconnectMaxMs = 5000;
// The server speaks at least every 30 s on a stream; twice that without a word needs a ping.
constexpr int kKeepaliveMs = 60000;
constexpr int kKeepaliveTimeoutMs = 20000;

// `option` is what the caller knows the file by.
absl::StatusOr<std::string> ReadPem(absl::string_view option, const std::string& path) {
  absl::StatusOr<std::string> content = ReadFile(path);
  if (!content.ok()) {
    return absl::NotFoundError(absl::StrCat(option, ": ", content.status().message()));
  }
  if (content->empty()) return absl::NotFoundError(absl::StrCat(option, ": ", path, " is empty"));
  return content;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const TlsOptions& tls) {
  if (tls.client_certificate_file.empty() != tls.client_key_file.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate needs its key, and a key its certificate");
  }
  if (tls.trust == TlsOptions::Trust::kPlainText) {
    if (!tls.client_key_file.empty()) {
      return absl::InvalidArgumentError("a client certificate needs TLS");
    }
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions ssl;
  if (tls.trust == TlsOptions::Trust::kCaFile) {
    auto roots = ReadPem("the CA file", tls.ca_file);
    if (!roots.ok()) return roots.status();
    ssl.pem_root_certs = *std::move(roots);
  }
  if (!tls.client_key_file.empty()) {
    auto certificate = ReadPem("the client certificate", tls.client_certificate_file);
    if (!certificate.ok()) return certificate.status();
    auto key = ReadPem("the client key", tls.client_key_file);
    if (!key.ok()) return key.status();
    ssl.pem_cert_chain = *std::move(certificate);
    ssl.pem_private_key = *std::move(key);
  }
  return grpc::SslCredentials(ssl);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ClientOptions& options) {
  if (options.target.empty()) return absl::InvalidArgumentError("the target is empty");
  if (!std::all_of(options.token.begin(), options.token.end(), absl::ascii_isgraph)) {
    // gRPC would refuse every call with an error that does not name the cause.
    return absl::InvalidArgumentError("the token contains white space or control characters");
  }
  auto credentials = MakeCredentials(options.tls);
  if (!credentials.ok()) return credentials.status();

  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("herald-client-cpp/0.1");
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // client/retry.h decides, in one place
  // A connection is one client's own: gRPC would share it between all that name one address, and a
  // call with too much metadata makes the server cut it under the others.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  return grpc::CreateCustomChannel(options.target, *credentials, arguments);
}

void SleepConnecting(grpc::Channel& channel, absl::Duration wait) {
  const absl::Time end = absl::Now() + wait;
  channel.WaitForConnected(absl::ToChronoTime(end));
  absl::SleepFor(end - absl::Now());
}

}  // namespace herald::client
