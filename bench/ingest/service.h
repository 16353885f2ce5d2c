#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/support/child_process.h"
#include "tests/support/postgres_cluster.h"

namespace herald::bench {

// What is measured: a private durable PostgreSQL, heraldd on it with the API's role alone, the echo
// server beside it, and in them a tenant with a token and a template. Everything ends with it.
class Service {
 public:
  // `programs` is the directory of heraldd and bench-echo-server.
  static absl::StatusOr<std::unique_ptr<Service>> Start(const std::string& programs);

  // host:port
  const std::string& target() const { return heraldd_.target; }
  const std::string& echo_target() const { return echo_target_; }
  const std::string& token() const { return token_; }
  // As the database's superuser.
  std::string Dsn() const { return cluster_->Dsn("postgres"); }
  pid_t heraldd_pid() const { return heraldd_.process->pid(); }
  pid_t echo_pid() const { return echo_->pid(); }
  // Starts heraldd without the gate of suppressions and preferences at acceptance, on the same
  // database.
  absl::Status StartUngated(const std::string& programs);
  const std::string& ungated_target() const { return ungated_.target; }
  // PostgreSQL's processes at the moment.
  absl::StatusOr<std::vector<pid_t>> DatabasePids() const;

  // How many emails are stored whose idempotency keys begin with `prefix`.
  absl::StatusOr<int64_t> CountEmails(const std::string& prefix) const;
  // From here on CleanUp alone vacuums: with autovacuum a measure of some seconds pays for the rows
  // of the one before it, and leaves its own to the next.
  absl::Status StopAutovacuum() const;
  // Vacuums what was written so far.
  absl::Status CleanUp() const;

 private:
  Service() = default;
  absl::Status StartDatabase();
  struct Running {
    std::unique_ptr<support::ChildProcess> process;
    std::string target;  // host:port
  };
  absl::StatusOr<Running> StartHeraldd(const std::string& programs, const std::string& program);
  absl::Status CreateTenant();
  absl::Status StartEcho(const std::string& programs);

  std::unique_ptr<support::PostgresCluster> cluster_;
  Running heraldd_;
  Running ungated_;
  std::unique_ptr<support::ChildProcess> echo_;
  std::string echo_target_;
  std::string token_;
};

}  // namespace herald::bench
