#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/lane.h"
#include "model/route.h"
#include "server/delivery/breaker.h"
#include "server/delivery/lane_policy.h"
#include "server/limits/limit_defaults.h"
#include "storage/history.h"

namespace herald::config {

// host:port; port 0 takes any free one.
struct Endpoint {
  std::string host;
  int port = 0;
  std::string ToString() const;
};
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text);

// PEM files of the gRPC server; all empty: plain text; `client_ca` set: mutual TLS.
struct Tls {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

// Which parts of the service a process runs.
struct Roles {
  bool api = true;
  bool delivery = true;
  bool duties = true;
};
// "api,delivery,duties", any non-empty subset.
absl::StatusOr<Roles> ParseRoles(absl::string_view text);

struct Account {
  enum class Type { kResend, kSandbox };
  std::string name;
  Type type = Type::kSandbox;
  std::string api_key;         // resend
  std::string base_url;        // resend; empty: the provider's own
  std::string directory;       // sandbox
  std::string webhook_url;     // sandbox; empty: no events
  std::string webhook_secret;  // sandbox
  bool idempotency = true;     // false: the account takes a repeated key for another email
  bool batch = true;           // false: one request an email, whatever the provider can do
  // Whether failures take it out of the routes. Those of a sandbox are simulated, so it is false
  // there unless said.
  bool breaker = true;
};

// How recipients leave marketing mail.
struct Unsubscribe {
  // Public address of the sidecar, "https://mail.example.com", without a slash at the end. Empty:
  // marketing mail is refused.
  std::string base_url;
  absl::Duration token_lifetime = absl::Hours(24 * 366);
};

// When soft bounces count as a hard one; see storage/delivery_event_store.h.
struct SoftBounces {
  int days = 4;
  int window_days = 14;
};

// Everything heraldd is told, checked. Secrets are here in the clear: never log a Config.
struct Config {
  Roles roles;
  Endpoint listen{"127.0.0.1", 7070};
  Tls tls;
  Endpoint metrics_listen{"127.0.0.1", 9464};
  std::string log_severity = "info";
  std::string database_dsn;
  int api_connections = 4;
  int search_connections = 3;  // of lists and exports by a filter, and of their threads
  int acceptance_connections = 3;
  int critical_connections = 3;  // of lane CRITICAL alone
  int delivery_connections = 6;  // of the other lanes
  bool migrate = false;          // bring the schema up to date at the start
  std::string master_keys;       // lines "id:base64"; the first is the primary
  std::string operator_token;
  std::string sidecar_token;
  std::vector<Account> accounts;
  std::string sandbox;  // account that takes the mail of test tokens
  std::map<Lane, Route> routes;
  delivery::BreakerPolicy breaker;
  std::map<Lane, delivery::LanePolicy> lanes;
  limits::LimitDefaults limits;
  Unsubscribe unsubscribe;
  SoftBounces soft_bounces;
  absl::Duration provider_timeout = absl::Seconds(20);
  absl::Duration lease = absl::Seconds(90);
  storage::Retention retention;
  absl::Duration drain_grace = absl::Seconds(25);
};

// Reads a YAML file; docs/configuration.md lists its keys. A secret is written as {file: PATH} or
// {env: NAME}. kInvalidArgument names the key and what is wrong with it; unknown keys, and keys
// given twice, are errors. `roles`, unless empty, stands in place of the file's.
absl::StatusOr<Config> LoadConfig(const std::string& path, const std::string& roles = "");
absl::StatusOr<Config> ParseConfig(const std::string& yaml, const std::string& roles = "");

// What no single key shows: routes that name no account, a lease shorter than a hand-over, TLS
// files that cannot be read, …
absl::Status CheckConfig(const Config& config);

}  // namespace herald::config
