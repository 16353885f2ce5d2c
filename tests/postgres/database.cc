#include "tests/postgres/database.h"

#include <cstdlib>
#include <iostream>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "storage/postgres/migrations.h"

namespace herald::storage {
namespace {

template <class T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::cerr << result.status() << std::endl;
    std::abort();
  }
  return *std::move(result);
}

// Migrated once; every test's database is a copy of it.
const std::string& MigratedTemplate() {
  static const auto* const kName = [] {
    auto* name = new std::string(OrDie(support::PostgresCluster::Shared().CreateDatabase()));
    const absl::Status status = Migrate(support::PostgresCluster::Shared().Dsn(*name));
    if (!status.ok()) OrDie(absl::StatusOr<int>(status));
    return name;
  }();
  return *kName;
}

}  // namespace

TestDatabase::TestDatabase(int max_connections)
    : name_(OrDie(support::PostgresCluster::Shared().CreateDatabase(MigratedTemplate()))),
      dsn_(support::PostgresCluster::Shared().Dsn(name_)) {
  PoolOptions options;
  options.dsn = dsn_;
  options.max_connections = max_connections;
  pool_ = std::make_unique<ConnectionPool>(options);
}

int TestDatabase::Deadlocks() {
  // A backend tells the others of its deadlocks from time to time; each is made to now.
  std::vector<ConnectionPool::Lease> leases;
  while (pool_->stats().idle > 0) {
    leases.push_back(OrDie(pool_->Acquire()));
    pqxx::nontransaction work(leases.back().connection());
    work.exec("SELECT pg_stat_force_next_flush()");
  }
  return std::stoi(
      Psql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
}

std::string TestDatabase::Psql(const std::string& sql) const {
  return OrDie(support::PostgresCluster::Shared().Psql(name_, sql));
}

}  // namespace herald::storage
