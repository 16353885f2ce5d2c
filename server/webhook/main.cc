// herald-webhook: the composition root of the sidecar.
#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "providers/decoders/webhook_decoders.h"
#include "server/config/read_file.h"
#include "server/ops/log.h"
#include "server/ops/metrics_endpoint.h"
#include "server/ops/webhook_metrics.h"
#include "server/webhook/config.h"
#include "server/webhook/grpc_delivery_event_sink.h"
#include "server/webhook/grpc_unsubscribe_gateway.h"
#include "server/webhook/http_server.h"
#include "server/webhook/ops_observer.h"
#include "server/webhook/secret_file.h"
#include "server/webhook/unsubscribe_service.h"
#include "server/webhook/webhook_service.h"

namespace herald::webhook {
namespace {

constexpr char kVersion[] = HERALD_VERSION;

absl::StatusOr<GrpcDeliveryEventSink::Options> SinkOptions(const WebhookConfig& config) {
  GrpcDeliveryEventSink::Options options;
  options.target = config.heraldd;
  options.tls = config.tls;
  for (const auto& [path, pem] : {std::pair(&config.tls_ca_file, &options.ca_pem),
                                  std::pair(&config.tls_cert_file, &options.cert_pem),
                                  std::pair(&config.tls_key_file, &options.key_pem)}) {
    if (path->empty()) continue;
    auto contents = config::ReadFile(*path);
    if (!contents.ok()) return contents.status();
    *pem = *std::move(contents);
  }
  return options;
}

absl::StatusOr<GrpcDeliveryEventSink::Token> TokenSource(const WebhookConfig& config) {
  if (config.token_file.empty()) {
    const char* token = std::getenv("HERALD_WEBHOOK_TOKEN");
    if (token == nullptr || *token == '\0') {
      return absl::InvalidArgumentError("neither --token-file nor HERALD_WEBHOOK_TOKEN is given");
    }
    return [text = std::string(token)]() -> absl::StatusOr<std::string> { return text; };
  }
  auto file = std::make_shared<SecretFile>(config.token_file,
                                           [](absl::string_view) { return absl::OkStatus(); });
  const auto now = file->Load();
  if (!now.ok()) return now.status();
  return [file]() -> absl::StatusOr<std::string> {
    const auto tokens = file->Load();
    if (!tokens.ok()) return tokens.status();
    return (*tokens)->front();
  };
}

absl::StatusOr<std::map<std::string, WebhookEndpoint>> Endpoints(const WebhookConfig& config) {
  std::map<std::string, WebhookEndpoint> endpoints;
  for (const AccountConfig& account : config.accounts) {
    WebhookEndpoint& endpoint = endpoints[account.name];
    endpoint.decoder = providers::NewWebhookDecoder(account.provider_type);
    endpoint.secrets = std::make_unique<SecretFile>(
        account.secret_file, [type = account.provider_type](absl::string_view secret) {
          return providers::CheckWebhookSecret(type, secret);
        });
    const auto now = endpoint.secrets->Load();
    if (!now.ok()) return now.status();
  }
  return endpoints;
}

HttpServer::Options ServerOptions(const WebhookConfig& config, WebhookObserver& observer) {
  HttpServer::Options options;
  options.host = config.listen.host;
  options.port = config.listen.port;
  options.threads = config.threads;
  options.body_bytes_max = config.body_bytes_max;
  options.connections_max = config.connections_max;
  options.read_timeout = config.read_timeout;
  options.on_refused = [&observer](int status) { observer.OnHttpRefused(status); };
  return options;
}

void AwaitSignal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  ops::Log(ops::Severity::kInfo, "stopping", {{"signal", signal}});
}

absl::Status Serve(const WebhookConfig& config, const sigset_t& signals) {
  const auto token = TokenSource(config);
  if (!token.ok()) return token.status();
  const auto sink_options = SinkOptions(config);
  if (!sink_options.ok()) return sink_options.status();
  auto endpoints = Endpoints(config);
  if (!endpoints.ok()) return endpoints.status();

  // Later ones use earlier ones, and are destroyed first.
  ops::WebhookMetrics metrics(kVersion);
  std::unique_ptr<ops::MetricsEndpoint> metrics_endpoint;
  if (!config.metrics_listen.host.empty()) {
    auto started = ops::MetricsEndpoint::Start(config.metrics_listen.host,
                                               config.metrics_listen.port, metrics.registry());
    if (!started.ok()) return started.status();
    metrics_endpoint = *std::move(started);
    ops::Log(ops::Severity::kInfo, "metrics_listening", {{"port", metrics_endpoint->port()}});
  }
  OpsObserver observer(metrics);
  GrpcDeliveryEventSink sink(*sink_options, *token);
  WebhookService service(*std::move(endpoints), sink, {}, observer, absl::Now);
  GrpcUnsubscribeGateway gateway(*sink_options, *token);
  UnsubscribeService unsubscribe(gateway);
  auto server = HttpServer::Start(
      ServerOptions(config, observer),
      [&service, &unsubscribe](const HttpRequest& request, HttpServer::Respond respond) {
        if (UnsubscribeService::Serves(request.path)) {
          return unsubscribe.Handle(request, std::move(respond));
        }
        service.Handle(request, std::move(respond));
      });
  if (!server.ok()) return server.status();
  ops::Log(ops::Severity::kInfo, "listening", {{"port", (*server)->port()}});

  AwaitSignal(signals);
  const bool finished = (*server)->Stop(config.grace);
  ops::Log(finished ? ops::Severity::kInfo : ops::Severity::kWarning, "stopped",
           {{"state", finished ? "finished" : "cut"}});
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  const CommandLine line = ParseCommandLine(argc, argv);
  if (!line.text.empty()) {
    (line.exit_code == 0 ? std::cout : std::cerr) << line.text;
    return line.exit_code;
  }
  // Before any thread starts, so that all of them leave the signals to AwaitSignal.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  ops::StartLog({});
  const absl::Status served = Serve(line.config, signals);
  if (!served.ok()) {
    ops::Log(ops::Severity::kError, "cannot_start", {{"cause", served.message()}});
  }
  ops::StopLog();
  return served.ok() ? 0 : 1;
}

}  // namespace
}  // namespace herald::webhook

int main(int argc, char** argv) { return herald::webhook::Main(argc, argv); }
