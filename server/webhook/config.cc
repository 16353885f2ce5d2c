#include "server/webhook/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "model/route.h"
#include "providers/decoders/webhook_decoders.h"

namespace herald::webhook {
namespace {

// The options as text, before they are checked.
struct Options {
  std::string listen = "127.0.0.1:8081";
  std::string metrics_listen;
  std::vector<std::string> accounts;
  double read_timeout_s = 10;
  double grace_s = 20;
};

void DeclareConnection(CLI::App& app, WebhookConfig& config) {
  app.add_option("--heraldd", config.heraldd, "gRPC address of heraldd")->capture_default_str();
  app.add_option("--token-file", config.token_file,
                 "File with heraldd's `sidecar_token`; re-read when it changes.\n"
                 "Without it the token is taken from HERALD_WEBHOOK_TOKEN.");
  app.add_flag("--tls", config.tls, "Speak TLS to heraldd");
  app.add_option("--tls-ca", config.tls_ca_file, "CA certificates that heraldd is verified with")
      ->check(CLI::ExistingFile);
  auto* cert = app.add_option("--tls-cert", config.tls_cert_file, "Our certificate, for mutual TLS")
                   ->check(CLI::ExistingFile);
  auto* key = app.add_option("--tls-key", config.tls_key_file, "Its key")->check(CLI::ExistingFile);
  cert->needs(key);
  key->needs(cert);
}

void DeclareServer(CLI::App& app, Options& options, WebhookConfig& config) {
  app.add_option("--listen", options.listen, "Address for webhooks; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Address for Prometheus (GET /metrics); not served without it");
  app.add_option("--account", options.accounts,
                 "NAME=TYPE:FILE, once for each provider account: served at\n"
                 "/v1/webhooks/NAME, verified with the secrets in FILE (one a line, several\n"
                 "during a rotation; re-read when the file changes)")
      ->required();
  app.add_option("--threads", config.threads, "Threads for HTTP")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  app.add_option("--body-bytes-max", config.body_bytes_max, "Largest body; larger ones get 413")
      ->check(CLI::Range(size_t{1} << 10, size_t{64} << 20))
      ->capture_default_str();
  app.add_option("--connections-max", config.connections_max, "Connections at a time")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--read-timeout", options.read_timeout_s,
                 "Seconds in which a request must be whole")
      ->check(CLI::Range(0.1, 300.0))
      ->capture_default_str();
  app.add_option("--grace", options.grace_s, "Seconds that requests get to finish after SIGTERM")
      ->check(CLI::Range(0.0, 600.0))
      ->capture_default_str();
}

absl::Status Check(const Options& options, WebhookConfig& config) {
  const auto listen = ParseListenAddress(options.listen);
  if (!listen.ok())
    return absl::InvalidArgumentError(absl::StrCat("--listen: ", listen.status().message()));
  config.listen = *listen;
  if (!options.metrics_listen.empty()) {
    const auto metrics = ParseListenAddress(options.metrics_listen);
    if (!metrics.ok())
      return absl::InvalidArgumentError(
          absl::StrCat("--metrics-listen: ", metrics.status().message()));
    config.metrics_listen = *metrics;
  }
  std::set<std::string> names;
  for (const std::string& text : options.accounts) {
    auto account = ParseAccount(text);
    if (!account.ok())
      return absl::InvalidArgumentError(absl::StrCat("--account: ", account.status().message()));
    if (!names.insert(account->name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--account: ", account->name, " is given twice"));
    }
    config.accounts.push_back(*std::move(account));
  }
  const bool tls_files = !config.tls_ca_file.empty() || !config.tls_cert_file.empty();
  if (tls_files && !config.tls)
    return absl::InvalidArgumentError("--tls-ca and --tls-cert need --tls");
  config.read_timeout = absl::Seconds(options.read_timeout_s);
  config.grace = absl::Seconds(options.grace_s);
  return absl::OkStatus();
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app(
      "Receives delivery providers' webhooks, verifies them and hands the events to heraldd.\n"
      "Meant to face the internet behind a TLS-terminating proxy; holds no database credential.\n"
      "Serves unsubscribe links at /u/…, to which heraldd's unsubscribe.base_url must lead.\n"
      "Also serves GET /healthz, and GET /readyz, which is 200 while heraldd can take events.",
      "herald-webhook");
  CommandLine line;
  Options options;
  DeclareServer(app, options, line.config);
  DeclareConnection(app, line.config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
    return line;
  } catch (const CLI::ParseError& error) {
    line.text = absl::StrCat("herald-webhook: ", error.what(), "\n");
    line.exit_code = 2;
    return line;
  }
  const absl::Status checked = Check(options, line.config);
  if (!checked.ok()) {
    line.text = absl::StrCat("herald-webhook: ", std::string(checked.message()), "\n");
    line.exit_code = 2;
  }
  return line;
}

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not HOST:PORT"));
  }
  absl::string_view host = text.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  if (host.empty()) return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" has no host"));
  return ListenAddress{std::string(host), static_cast<uint16_t>(port)};
}

absl::StatusOr<AccountConfig> ParseAccount(absl::string_view text) {
  const size_t equals = text.find('=');
  const size_t colon = text.find(':', equals == absl::string_view::npos ? 0 : equals);
  if (equals == absl::string_view::npos || colon == absl::string_view::npos ||
      colon + 1 == text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not NAME=TYPE:FILE"));
  }
  AccountConfig account{std::string(text.substr(0, equals)),
                        std::string(text.substr(equals + 1, colon - equals - 1)),
                        std::string(text.substr(colon + 1))};
  if (!IsAccountName(account.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", account.name, "\" is not 1 to 64 of letters, digits, '.', '_' and '-'"));
  }
  const std::vector<std::string> types = providers::WebhookProviderTypes();
  if (std::find(types.begin(), types.end(), account.provider_type) == types.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", account.provider_type,
                     "\" is no provider type; known: ", absl::StrJoin(types, ", ")));
  }
  return account;
}

}  // namespace herald::webhook
