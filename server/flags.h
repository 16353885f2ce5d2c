#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "server/dev/dev_environment.h"

namespace herald {

// What heraldd is told on its command line.
struct Flags {
  std::string config_path;
  std::string roles;
  bool migrate = false;
  bool check_config = false;
  bool dev = false;
  dev::DevOptions dev_options;
  std::string dev_listen;
  std::string dev_metrics_listen;
  std::string dev_webhook_listen;
  std::string dev_webhook_metrics_listen;
};

// Lets `app` fill in `flags`, which outlive it.
void Declare(const std::string& version, CLI::App& app, Flags& flags);

// Takes the endpoints of --dev-* into `dev_options`. kInvalidArgument: one of them is none.
absl::Status ReadEndpoints(Flags& flags);

}  // namespace herald
