#pragma once

#include <memory>

#include "storage/postgres/connection_pool.h"
#include "tests/postgres/database.h"
#include "tests/support/tcp_gate.h"

namespace herald::storage {

// Connections to a test's database that lead through a gate. Failures end the test process.
class GatedPool {
 public:
  using Gate = support::TcpGate;

  // `database` outlives it.
  explicit GatedPool(const TestDatabase& database);

  Gate& gate() { return *gate_; }
  ConnectionPool& pool() { return pool_; }
  // The next COMMIT takes place, and who asked for it does not learn so.
  void LoseTheReplyToCommit();

 private:
  const std::unique_ptr<Gate> gate_;
  ConnectionPool pool_;
};

}  // namespace herald::storage
