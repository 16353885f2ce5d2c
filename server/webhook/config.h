#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald::webhook {

struct ListenAddress {
  std::string host;  // an IP address
  uint16_t port = 0;
};

// One --account NAME=TYPE:FILE.
struct AccountConfig {
  std::string name;
  std::string provider_type;
  std::string secret_file;
};

struct WebhookConfig {
  ListenAddress listen{"127.0.0.1", 8081};
  ListenAddress metrics_listen;  // no host: no metrics
  std::string heraldd = "127.0.0.1:7070";
  std::string token_file;  // empty: HERALD_WEBHOOK_TOKEN
  bool tls = false;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::vector<AccountConfig> accounts;
  int threads = 1;
  size_t body_bytes_max = 1 << 20;
  int connections_max = 256;
  absl::Duration read_timeout = absl::Seconds(10);
  absl::Duration grace = absl::Seconds(20);
};

// Either a configuration or what to print instead of running, and the code to exit with.
struct CommandLine {
  WebhookConfig config;
  std::string text;  // not empty: help or an error
  int exit_code = 0;
};

// Reads and validates the command line; files are not opened.
CommandLine ParseCommandLine(int argc, const char* const* argv);

// "127.0.0.1:8081" or "[::1]:8081".
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);
// "NAME=TYPE:FILE": a name as IsAccountName (model/route.h) has it, a known provider type.
absl::StatusOr<AccountConfig> ParseAccount(absl::string_view text);

}  // namespace herald::webhook
