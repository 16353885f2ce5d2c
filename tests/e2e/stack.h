#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/herald_client.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_directory.h"

namespace herald::e2e {

// A variable that ctest sets.
std::string FromEnvironment(const char* name);

// The whole of Herald as its user starts it: `heraldd --dev` in a fresh directory, with the sidecar
// and the PostgreSQL server that it brings up.
class Stack {
 public:
  // One per process, started at the first call; without it no case makes sense, so a failure ends
  // the process. Call first on the main thread.
  static Stack& Shared();
  // Whether Shared() was called.
  static bool Started();

  const std::string& address() const { return address_; }
  const std::string& demo_token() const { return demo_token_; }
  const std::string& operator_token() const { return operator_token_; }
  // The sidecar's endpoint of account "sandbox".
  const std::string& webhook_url() const { return webhook_url_; }
  std::string File(absl::string_view name) const;
  std::string Read(absl::string_view name) const;

  client::Client ClientWith(const std::string& token) const;
  const client::Client& operator_client() const { return *operator_client_; }

  // What the metrics ports answer.
  std::string Metrics() const;
  std::string WebhookMetrics() const;

  // Every line that heraldd and the sidecar logged so far.
  std::vector<std::string> LogLines() const;
  // The answer of one SQL statement, run past the service by the database's owner.
  absl::StatusOr<std::string> Sql(const std::string& statement) const;

  // SIGTERM; heraldd's exit code, or -1 when it did not end.
  int Stop();

 private:
  Stack();
  absl::Status Start();
  absl::Status AwaitSidecar();

  const testing::TempDirectory directory_;
  std::unique_ptr<support::ChildProcess> heraldd_;
  std::unique_ptr<client::Client> operator_client_;
  std::string address_;
  std::string demo_token_;
  std::string operator_token_;
  std::string webhook_url_;
  std::string metrics_url_;
  std::string webhook_metrics_url_;
};

// The number after `"port":` in a log line; empty when there is none.
std::string PortIn(absl::string_view line);

// The text at a URL, or what went wrong.
std::string Fetch(const std::string& url);

}  // namespace herald::e2e
