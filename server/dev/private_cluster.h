#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/dev/child.h"

namespace herald::dev {

// A PostgreSQL server of our own, from the installed server's programs, reached only through a Unix
// socket in a directory that only its user can enter. Its data stays in the directory between runs.
// PostgreSQL refuses to run as root, so it then runs as user postgres.
class PrivateCluster {
 public:
  // Creates the cluster in `directory` on first use, starts it, and waits until it answers.
  // kFailedPrecondition: PostgreSQL is not installed.
  static absl::StatusOr<std::unique_ptr<PrivateCluster>> Start(const std::string& directory);
  ~PrivateCluster();  // stops it, fast

  std::string Dsn() const;

 private:
  PrivateCluster(Child server, std::string socket_directory);

  Child server_;
  const std::string socket_directory_;
};

}  // namespace herald::dev
