#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/child_process.h"

namespace herald::support {

struct PostgresOptions {
  // fsync and full durability, as fault tests need; without it a cluster is faster.
  bool durable = false;
  int max_connections = 100;
  // The existing directory to make its own in. Short: a Unix socket's path has at most 107 bytes.
  std::string parent = "/tmp";
  // Further lines of postgresql.conf, such as "log_statement=all".
  std::vector<std::string> settings;
};

// A private PostgreSQL server in a temporary directory. It listens on a Unix socket there and on a
// free port of 127.0.0.1; the superuser is `postgres`, without a password. As root the server runs
// as the user postgres, since it refuses root.
//
// When the test process ends, however that comes about, the server is killed and its directory
// removed. Not safe for concurrent use, but for Dsn, CreateDatabase and Psql.
class PostgresCluster {
 public:
  // kNotFound: no server is installed.
  static absl::StatusOr<std::unique_ptr<PostgresCluster>> Create(
      const PostgresOptions& options = {});

  // The one cluster of this test executable, started by the first call with default options. A
  // failure ends the process. Tests that stop or freeze it must start or thaw it again.
  static PostgresCluster& Shared();

  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  // Connection string through the Unix socket.
  std::string Dsn(absl::string_view database) const;
  // Connection string through TCP; `port` is that of a gate, or port().
  std::string TcpDsn(absl::string_view database, int port) const;
  int port() const { return port_; }

  // A new, empty database, or a copy of `template_database`, which nobody may be connected to.
  absl::StatusOr<std::string> CreateDatabase(absl::string_view template_database = "template1");

  // Runs SQL with psql. The answer is its unaligned output: rows by lines, columns by '|'.
  // kInternal: the server refused it; the message holds its error.
  absl::StatusOr<std::string> Psql(absl::string_view database, absl::string_view sql) const;

  // `immediate`: as in a crash, with recovery at the next start; otherwise the server ends sessions
  // and writes a checkpoint.
  absl::Status Stop(bool immediate);
  absl::Status Start();
  absl::Status Restart(bool immediate);
  bool running() const { return postmaster_ != nullptr; }

  // SIGSTOP to every process of the server: connections stay open and nothing answers.
  void Freeze();
  void Thaw();

 private:
  PostgresCluster(std::string directory, std::string binaries, PostgresOptions options);
  absl::Status Initialise();
  absl::Status Configure() const;
  absl::StatusOr<std::string> Run(std::vector<std::string> argv) const;
  void SignalAll(int signal) const;

  // Constant after Create.
  const std::string directory_;
  const std::string binaries_;
  const PostgresOptions options_;
  const std::string user_;  // empty: the test's own
  int port_ = 0;
  // Closed by the kernel when this process ends; tells the cleaner.
  int cleaner_fd_ = -1;

  std::atomic<int> databases_{0};
  std::unique_ptr<ChildProcess> postmaster_;
};

}  // namespace herald::support
