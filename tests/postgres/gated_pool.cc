#include "tests/postgres/gated_pool.h"

namespace herald::storage {

// Without TLS and GSSAPI, so that the gate sees the statements.
GatedPool::GatedPool(const TestDatabase& database)
    : gate_(Gate::Start(support::PostgresCluster::Shared().port()).value()),
      pool_({.dsn = support::PostgresCluster::Shared().TcpDsn(database.name(), gate_->port()) +
                    " sslmode=disable gssencmode=disable",
             .max_connections = 2}) {}

void GatedPool::LoseTheReplyToCommit() {
  gate_->CutWhenSeen(Gate::Direction::kFromClient, "COMMIT", Gate::CutPoint::kAtReply);
}

}  // namespace herald::storage
