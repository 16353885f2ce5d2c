#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/config/config.h"
#include "server/dev/child.h"
#include "storage/tenant_store.h"

namespace herald::dev {

// Where the development stack lives and listens. A port that is taken is replaced by a free one.
struct DevOptions {
  std::string directory = ".herald/dev";
  config::Endpoint grpc{"127.0.0.1", 7070};
  config::Endpoint metrics{"127.0.0.1", 9464};
  config::Endpoint webhook{"127.0.0.1", 8081};
  config::Endpoint webhook_metrics{"127.0.0.1", 9465};
};

// What `heraldd --dev` runs with: directories, secrets made on first use, and a configuration whose
// only provider is the sandbox. Nothing here is reachable from a configuration file.
struct DevEnvironment {
  DevOptions options;             // with absolute directory and the ports chosen
  std::string cluster_directory;  // of PrivateCluster
  config::Config config;          // all but database_dsn
  std::string operator_token;

  std::string File(absl::string_view name) const { return options.directory + "/" + std::string(name); }
};

absl::StatusOr<DevEnvironment> PrepareDevEnvironment(DevOptions options);

// Starts herald-webhook, which lies beside this program.
absl::StatusOr<Child> StartSidecar(const DevEnvironment& environment);

// Ensures tenant "demo", which may send from demo.herald.test, and a live token of it with every
// scope; writes the profile that heraldctl finds (heraldctl.env). Returns the token.
absl::StatusOr<std::string> EnsureDemoTenant(const DevEnvironment& environment,
                                             storage::TenantStore& tenants);

}  // namespace herald::dev
