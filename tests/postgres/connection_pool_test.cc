#include "storage/postgres/connection_pool.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "storage/postgres/connection_string.h"
#include "storage/postgres/transaction.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

absl::StatusOr<int64_t> Ask(ConnectionPool& pool) {
  return RunTransaction(pool, {.read_only = true, .name = "ask"},
                        [&](Transaction& transaction) -> absl::StatusOr<int64_t> {
                          return Int64Of(transaction.Exec({"ask", "SELECT 1"})[0][0]);
                        });
}

class ConnectionPoolTest : public ::testing::Test {
 protected:
  PoolOptions Options(int max_connections, absl::Duration wait) const {
    return {.dsn = database_.dsn(), .max_connections = max_connections, .acquire_timeout = wait};
  }

  void EndOtherSessions() {
    database_.Psql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
        "datname = current_database() AND pid <> pg_backend_pid()");
  }

  support::PostgresCluster& cluster_ = support::PostgresCluster::Shared();
  TestDatabase database_;
};

TEST_F(ConnectionPoolTest, ReusesOneConnectionForOneUserAfterAnother) {
  ConnectionPool pool(Options(4, absl::Seconds(2)));
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Ask(pool), IsOkAndHolds(1));
  EXPECT_EQ(pool.stats().open, 1);
  EXPECT_EQ(pool.stats().idle, 1);
}

TEST_F(ConnectionPoolTest, AnExhaustedPoolIsUnavailableAndThenServesAgain) {
  ConnectionPool pool(Options(2, absl::Milliseconds(50)));
  {
    const auto first = pool.Acquire();
    const auto second = pool.Acquire();
    ASSERT_OK(first);
    ASSERT_OK(second);
    EXPECT_THAT(pool.Acquire(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_EQ(pool.stats().open, 2);
  }
  EXPECT_OK(pool.Acquire());
}

TEST_F(ConnectionPoolTest, AWaiterGetsTheConnectionThatIsGivenBack) {
  ConnectionPool pool(Options(1, absl::Seconds(30)));
  absl::Status waited;
  std::thread waiter;
  {
    const auto lease = pool.Acquire();
    ASSERT_OK(lease);
    waiter = std::thread([&] { waited = pool.Acquire().status(); });
    while (pool.stats().waiting == 0) std::this_thread::yield();
  }
  waiter.join();
  EXPECT_OK(waited);
}

TEST_F(ConnectionPoolTest, NeverOpensMoreThanItsBound) {
  ConnectionPool pool(Options(3, absl::Seconds(30)));
  std::vector<std::thread> users;
  for (int i = 0; i < 12; ++i) {
    users.emplace_back([&] {
      for (int n = 0; n < 10; ++n) EXPECT_THAT(Ask(pool), IsOkAndHolds(1));
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_LE(pool.stats().open, 3);
  EXPECT_LE(std::stoi(database_.Psql("SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                     "current_database() AND application_name = 'herald'")),
            3);
}

TEST_F(ConnectionPoolTest, AnIdleConnectionThatTheServerEndedIsReplacedUnnoticed) {
  ConnectionPool pool(Options(1, absl::Seconds(5)));
  ASSERT_OK(Ask(pool));
  EndOtherSessions();
  EXPECT_THAT(Ask(pool), IsOkAndHolds(1));
}

TEST_F(ConnectionPoolTest, AConnectionEndedInATransactionIsUnavailableAndTheNextOneWorks) {
  ConnectionPool pool(Options(1, absl::Seconds(5)));
  EXPECT_THAT(RunTransaction(pool, {.role = DatabaseRole::kEngine, .name = "ended"},
                             [&](Transaction& transaction) {
                               EndOtherSessions();
                               transaction.Exec({"ended", "SELECT 1"});
                               return absl::OkStatus();
                             }),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(pool.stats().open, 0);
  EXPECT_THAT(Ask(pool), IsOkAndHolds(1));
}

TEST_F(ConnectionPoolTest, AStoppedServerIsUnavailableAndServesAgainAfterItsStart) {
  ConnectionPool pool(Options(2, absl::Milliseconds(300)));
  ASSERT_OK(Ask(pool));
  ASSERT_OK(cluster_.Stop(/*immediate=*/true));
  EXPECT_THAT(Ask(pool), StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(cluster_.Start());
  // Within the longest back-off.
  absl::Status status = absl::UnavailableError("");
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (!status.ok() && absl::Now() < deadline) status = Ask(pool).status();
  EXPECT_OK(status);
}

TEST_F(ConnectionPoolTest, ManyWaitersDoNotStormAServerThatIsAway) {
  const auto gate = support::TcpGate::Start(cluster_.port());
  ASSERT_OK(gate);
  (*gate)->Cut();
  ConnectionPool pool({.dsn = cluster_.TcpDsn(database_.name(), (*gate)->port()),
                       .max_connections = 16,
                       .acquire_timeout = absl::Seconds(2)});
  std::vector<std::thread> users;
  for (int i = 0; i < 16; ++i) {
    users.emplace_back([&] { EXPECT_THAT(Ask(pool), StatusIs(absl::StatusCode::kUnavailable)); });
  }
  for (std::thread& user : users) user.join();
  // At most one round of first attempts, then one at a time: 50, 100, 200, 400, 800, 1600 ms, each
  // halved at most. libpq may try a reset connection twice (with and without TLS).
  EXPECT_LE((*gate)->accepted(), 2 * (16 + 9));
  (*gate)->Pass();
  absl::Status status = absl::UnavailableError("");
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (!status.ok() && absl::Now() < deadline) status = Ask(pool).status();
  EXPECT_OK(status);
}

TEST_F(ConnectionPoolTest, AFrozenServerHoldsNoThreadLongerThanTheLease) {
  PoolOptions options = Options(1, absl::Seconds(5));
  options.lease_max = absl::Milliseconds(300);
  ConnectionPool pool(options);
  const absl::Time start = absl::Now();
  const absl::Status status = RunTransaction(
      pool, {.role = DatabaseRole::kEngine, .name = "frozen"}, [&](Transaction& transaction) {
        cluster_.Freeze();
        transaction.Exec({"frozen", "SELECT 1"});
        return absl::OkStatus();
      });
  cluster_.Thaw();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  EXPECT_THAT(Ask(pool), IsOkAndHolds(1));
}

TEST(ConnectionStringTest, KeepsWhatIsSetAndAddsTheRest) {
  const std::string pairs = WithLinkDefaults("host=db connect_timeout=9");
  EXPECT_THAT(pairs, ::testing::HasSubstr("host=db connect_timeout=9 "));
  EXPECT_THAT(pairs, ::testing::HasSubstr(" keepalives_idle=10"));
  EXPECT_THAT(pairs, ::testing::Not(::testing::HasSubstr("connect_timeout=3")));
}

TEST(ConnectionStringTest, PassesOverStandbysUnlessToldOtherwise) {
  EXPECT_THAT(WithLinkDefaults("host=a,b"),
              ::testing::HasSubstr(" target_session_attrs=read-write"));
  EXPECT_THAT(WithLinkDefaults("postgresql://a,b/herald"),
              ::testing::HasSubstr("&target_session_attrs=read-write"));
  EXPECT_THAT(WithLinkDefaults("host=a,b target_session_attrs=any"),
              ::testing::Not(::testing::HasSubstr("read-write")));
}

TEST(ConnectionStringTest, ExtendsAUri) {
  EXPECT_THAT(WithLinkDefaults("postgresql://a,b/herald"),
              ::testing::StartsWith("postgresql://a,b/herald?application_name=herald&connect_"));
  EXPECT_THAT(WithLinkDefaults("postgres://a/h?sslmode=require"),
              ::testing::StartsWith("postgres://a/h?sslmode=require&application_name=herald&"));
}

}  // namespace
}  // namespace herald::storage
