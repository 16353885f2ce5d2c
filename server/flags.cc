#include "server/flags.h"

#include <utility>

namespace herald {

void Declare(const std::string& version, CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config_path, "YAML file, see docs/configuration.md");
  app.add_option("--roles", flags.roles, "subset of api,delivery,duties (default: all)");
  app.add_flag("--migrate", flags.migrate, "bring the database's schema up to date, then exit");
  app.add_flag("--check-config", flags.check_config, "check the configuration, then exit");
  app.add_flag("--dev", flags.dev, "private PostgreSQL, sandbox and sidecar; nothing to configure");
  app.add_option("--dev-dir", flags.dev_options.directory, "where --dev keeps its data")
      ->capture_default_str();
  app.add_option("--dev-listen", flags.dev_listen, "with --dev: host:port of the API");
  app.add_option("--dev-metrics-listen", flags.dev_metrics_listen,
                 "with --dev: host:port of the metrics");
  app.add_option("--dev-webhook-listen", flags.dev_webhook_listen,
                 "with --dev: host:port of the sidecar");
  app.add_option("--dev-webhook-metrics-listen", flags.dev_webhook_metrics_listen,
                 "with --dev: host:port of the sidecar's metrics");
  app.set_version_flag("--version", "heraldd " + version);
}

absl::Status ReadEndpoints(Flags& flags) {
  for (const auto& [text, endpoint] :
       {std::pair(&flags.dev_listen, &flags.dev_options.grpc),
        std::pair(&flags.dev_metrics_listen, &flags.dev_options.metrics),
        std::pair(&flags.dev_webhook_listen, &flags.dev_options.webhook),
        std::pair(&flags.dev_webhook_metrics_listen, &flags.dev_options.webhook_metrics)}) {
    if (text->empty()) continue;
    absl::StatusOr<config::Endpoint> parsed = config::ParseEndpoint(*text);
    if (!parsed.ok()) return parsed.status();
    *endpoint = *std::move(parsed);
  }
  return absl::OkStatus();
}

}  // namespace herald
