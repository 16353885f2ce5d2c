#pragma once

#include <memory>
#include <string>

#include "storage/postgres/connection_pool.h"
#include "tests/support/postgres_cluster.h"

namespace herald::storage {

// A database of its own, migrated, in the shared cluster, and a pool to it. Failures end the test
// process: nothing can be tested without.
class TestDatabase {
 public:
  explicit TestDatabase(int max_connections = 4);

  const std::string& name() const { return name_; }
  const std::string& dsn() const { return dsn_; }
  ConnectionPool& pool() { return *pool_; }
  // Runs SQL as the superuser, whom row-level security does not bind.
  std::string Psql(const std::string& sql) const;
  // That the server has counted in this database. Nothing may be running on the pool.
  int Deadlocks();

 private:
  std::string name_;
  std::string dsn_;
  std::unique_ptr<ConnectionPool> pool_;
};

}  // namespace herald::storage
