#include "storage/postgres/queue_maintenance.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/postgres/email_fixture.h"
#include "tests/support/postgres_cluster.h"

namespace herald::storage {
namespace {

class QueueMaintenanceTest : public EmailFixture {
 protected:
  // Makes so many dead rows and waits until the statistics know.
  void MakeDeadRows(int rows) {
    Sql(
        absl::StrCat("INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time) "
                     "SELECT 1, n, 4, now(), now() FROM generate_series(1, ",
                     rows, ") AS n (n)"));
    Sql("DELETE FROM herald.queue; SELECT pg_stat_force_next_flush()");
  }
  std::string Vacuums() {
    return Sql(
        "SELECT vacuum_count FROM pg_stat_all_tables WHERE relid = 'herald.queue'::regclass");
  }
  bool Vacuum() {
    const absl::StatusOr<bool> vacuumed = maintenance_.VacuumQueue();
    EXPECT_OK(vacuumed);
    return vacuumed.value_or(false);
  }

  PostgresQueueMaintenance maintenance_{database_.pool(), database_.pool()};
};

TEST_F(QueueMaintenanceTest, AVacuumRunsOnceForAllReplicas) {
  Sql("ALTER TABLE herald.queue SET (autovacuum_enabled = false)");
  EXPECT_FALSE(Vacuum()) << "there is nothing to do";
  MakeDeadRows(5000);
  PostgresQueueMaintenance other(database_.pool(), database_.pool());
  EXPECT_TRUE(Vacuum());
  EXPECT_EQ(Vacuums(), "1");
  ASSERT_OK_AND_ASSIGN(const bool again, other.VacuumQueue());
  EXPECT_FALSE(again);
}

TEST_F(QueueMaintenanceTest, AUserWhoDoesNotOwnTheTablesIsTold) {
  const std::string user = absl::StrCat("service_", database_.name());
  Sql(absl::StrCat("CREATE ROLE ", user, " LOGIN; GRANT herald_api, herald_engine TO ", user));
  PoolOptions options;
  options.dsn = absl::StrCat(database_.dsn(), " user=", user);
  ConnectionPool pool(options);
  PostgresQueueMaintenance maintenance(pool, pool);
  EXPECT_EQ(maintenance.VacuumQueue().status().code(), absl::StatusCode::kFailedPrecondition);
  Sql(absl::StrCat("GRANT postgres TO ", user));
  PostgresQueueMaintenance allowed(pool, pool);
  EXPECT_OK(allowed.VacuumQueue());
  Sql(absl::StrCat("DROP OWNED BY ", user, "; DROP ROLE ", user));
}

TEST_F(QueueMaintenanceTest, OnlyKeysPastTheirTimeArePruned) {
  Accept("kept");
  Accept("past");
  Sql("UPDATE herald.idempotency_keys SET expire_time = now() - interval '1 s' "
      "WHERE idempotency_key = 'past'");
  ASSERT_OK_AND_ASSIGN(const auto pruned, maintenance_.PruneIdempotencyKeys());
  EXPECT_EQ(pruned.rows, 1);
  EXPECT_TRUE(pruned.at_end);
  EXPECT_EQ(Sql("SELECT idempotency_key FROM herald.idempotency_keys"), "kept");
}

TEST_F(QueueMaintenanceTest, AnIdleTenantIsForgottenInTwoStepsAndComesBack) {
  Accept("key");
  Attempt(Outcome::kAccepted, Sent());
  ASSERT_OK(maintenance_.ForgetIdleTenants());
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.queue_tenants"), "1") << "only marked";
  Sql("UPDATE herald.queue_tenants SET leaving_since = now() - interval '3 minutes'");
  ASSERT_OK(maintenance_.ForgetIdleTenants());
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.queue_tenants"), "0");
  Accept("again");
  ClaimOne();
}

TEST_F(QueueMaintenanceTest, ATenantThatIsBackIsNotForgotten) {
  Accept("key");
  Attempt(Outcome::kAccepted, Sent());
  ASSERT_OK(maintenance_.ForgetIdleTenants());
  Sql("UPDATE herald.queue_tenants SET leaving_since = now() - interval '3 minutes'");
  Accept("again");
  EXPECT_EQ(Sql("SELECT leaving_since IS NULL FROM herald.queue_tenants"), "t");
  ASSERT_OK(maintenance_.ForgetIdleTenants());
  ClaimOne();
}

TEST_F(QueueMaintenanceTest, AMaintenanceStatementThatHangsHitsItsLimit) {
  Accept("key");
  // Somebody holds the ledger's tables for longer than a duty may wait.
  std::thread holder([&] {
    Sql("BEGIN; LOCK TABLE herald.ledger_deltas IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); "
        "COMMIT");
  });
  while (Sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' "
             "AND relation = 'herald.ledger_deltas'::regclass") == "0") {
  }
  EXPECT_EQ(maintenance_.FoldLedger(10).status().code(), absl::StatusCode::kUnavailable);
  holder.join();
  ASSERT_OK_AND_ASSIGN(const auto fold, maintenance_.FoldLedger(10));
  EXPECT_EQ(fold.deltas, 1);
}

TEST_F(QueueMaintenanceTest, ARescueWorksThroughMoreThanABatch) {
  for (int i = 0; i < 5; ++i) Accept(absl::StrCat(i));
  ASSERT_OK(queue_.Claim(Lane::kTransactional, 5, absl::Seconds(60), {}));
  ExpireLeases();
  ASSERT_OK_AND_ASSIGN(const int first, queue_.RescueExpired(2, 3));
  ASSERT_OK_AND_ASSIGN(const int second, queue_.RescueExpired(2, 3));
  ASSERT_OK_AND_ASSIGN(const int third, queue_.RescueExpired(2, 3));
  EXPECT_EQ(first + second + third, 5);
}

}  // namespace
}  // namespace herald::storage
