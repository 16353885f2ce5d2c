#include "storage/postgres/account_health_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/delivery/health_board.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using delivery::HealthBoard;
using support::StatusIs;
using ::testing::ElementsAre;

constexpr absl::Duration kRecent = absl::Seconds(2);
constexpr absl::Duration kWindow = absl::Seconds(10);

class AccountHealthStoreTest : public ::testing::Test {
 protected:
  AccountHealthStoreTest() { EXPECT_OK(store_.Register({"main", "other"})); }

  AccountHealth Main(const std::vector<AccountCalls>& calls = {},
                     const std::vector<AccountPause>& pauses = {}) {
    const auto exchange = store_.Exchange(calls, pauses, kRecent, kWindow);
    EXPECT_OK(exchange);
    return exchange.ok() ? exchange->accounts.at(0) : AccountHealth();
  }
  static Breaker Open() {
    Breaker breaker;
    breaker.state = BreakerState::kOpen;
    breaker.reason = "error_rate";
    breaker.opens = 2;
    breaker.since = absl::FromUnixSeconds(1800000000);
    breaker.until = absl::FromUnixSeconds(1800000005);
    return breaker;
  }
  // Lets the calls so far be older than they are.
  void Age(int slots) {
    database_.Psql("UPDATE herald.account_calls SET slot = slot - " + std::to_string(slots));
  }
  std::unique_ptr<HealthBoard> Board(const std::string& replica) {
    HealthBoard::Options options;
    options.accounts = {"main"};
    options.replica = replica;
    options.clock = absl::Now;
    options.policy.open_base = absl::Milliseconds(1);
    auto board = std::make_unique<HealthBoard>(options, &store_, &observer_);
    EXPECT_OK(board->Sync());
    return board;
  }
  static void Call(HealthBoard& board, Outcome outcome, int times) {
    providers::SendResult result;
    result.outcome = outcome;
    for (int i = 0; i < times; ++i) board.End("main", board.Begin("main"), result);
  }
  static bool Admits(HealthBoard& board) { return board.Admit("main", /*peek=*/true).admitted; }

  TestDatabase database_;
  PostgresAccountHealthStore store_{database_.pool()};
  delivery::HealthObserver observer_;
  AuditEntry audit_{absl::nullopt, "operator", "herald.v1.TenantService/Disable", "main", {}};
};

TEST_F(AccountHealthStoreTest, AnAccountBeginsClosedAndRegisteringItAgainChangesNothing) {
  ASSERT_OK(store_.SwapBreaker("main", 0, Open()));
  ASSERT_OK(store_.Register({"main", "third"}));
  const auto exchange = store_.Exchange({}, {}, kRecent, kWindow);
  ASSERT_OK(exchange);
  ASSERT_EQ(exchange->accounts.size(), 3u);
  EXPECT_EQ(exchange->accounts[0].breaker.state, BreakerState::kOpen);
  EXPECT_EQ(exchange->accounts[1].breaker.state, BreakerState::kClosed);
  EXPECT_FALSE(exchange->accounts[1].disabled);
}

TEST_F(AccountHealthStoreTest, AddsWhatReplicasReport) {
  Main({{"main", 0, 3, 10, 2, 400}, {"main", 0, 4, 1, 1, 200}});
  const AccountHealth health = Main({{"main", 0, 3, 5, 1, 300}, {"other", 0, 3, 7, 7, 300}});
  EXPECT_EQ(health.recent.calls, 16);
  EXPECT_EQ(health.recent.failures, 4);
  EXPECT_EQ(health.window.calls, 16);
}

TEST_F(AccountHealthStoreTest, ForgetsWhatIsOlderThanTheWindows) {
  Main({{"main", 0, 3, 10, 2, 400}});
  Age(8);
  AccountHealth health = Main();
  EXPECT_EQ(health.recent.calls, 0);
  EXPECT_EQ(health.window.calls, 10);
  Age(40);
  health = Main();
  EXPECT_EQ(health.window.calls, 0);
}

TEST_F(AccountHealthStoreTest, CountsOnlyCallsThatBeganUnderTheBreakersRevision) {
  Main({{"main", 0, 3, 10, 10, 400}});
  ASSERT_OK(store_.SwapBreaker("main", 0, Open()));
  const AccountHealth health = Main({{"main", 0, 3, 10, 10, 400}, {"main", 1, 3, 4, 1, 400}});
  EXPECT_EQ(health.revision, 1);
  EXPECT_EQ(health.window.calls, 4);
  EXPECT_EQ(health.window.failures, 1);
}

TEST_F(AccountHealthStoreTest, ABreakerIsKeptAsItWasGiven) {
  Breaker probed = Open();
  probed.state = BreakerState::kHalfOpen;
  probed.prober = "one";
  ASSERT_OK(store_.SwapBreaker("main", 0, probed));
  const Breaker kept = Main().breaker;
  EXPECT_EQ(kept.state, BreakerState::kHalfOpen);
  EXPECT_EQ(kept.reason, "error_rate");
  EXPECT_EQ(kept.opens, 2);
  EXPECT_EQ(kept.since, probed.since);
  EXPECT_EQ(kept.until, probed.until);
  EXPECT_EQ(kept.prober, "one");
}

TEST_F(AccountHealthStoreTest, OfManyWhoMoveABreakerOneWins) {
  std::atomic<int> won{0};
  std::vector<std::thread> replicas;
  for (int i = 0; i < 4; ++i) {
    replicas.emplace_back([&] {
      const auto swapped = store_.SwapBreaker("main", 0, Open());
      EXPECT_OK(swapped);
      if (swapped.value_or(false)) ++won;
    });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(Main().revision, 1);
}

TEST_F(AccountHealthStoreTest, APauseIsSharedAndTheLongestHolds) {
  const auto exchange = store_.Exchange(
      {}, {{"main", absl::Seconds(60)}, {"main", absl::Seconds(1)}}, kRecent, kWindow);
  ASSERT_OK(exchange);
  const absl::Duration left = exchange->accounts[0].pause_until - exchange->now;
  EXPECT_GT(left, absl::Seconds(50));
  EXPECT_LE(left, absl::Seconds(60));
}

TEST_F(AccountHealthStoreTest, APauseOfAClockThatWasAheadDoesNotOutlastTheLongest) {
  database_.Psql("UPDATE herald.provider_accounts SET pause_until = now() + interval '1 hour'");
  const auto exchange = store_.Exchange({}, {{"main", absl::Seconds(1)}}, kRecent, kWindow);
  ASSERT_OK(exchange);
  const absl::Duration left = exchange->accounts[0].pause_until - exchange->now;
  EXPECT_GT(left, kAccountPauseMax - absl::Seconds(50));
  EXPECT_LE(left, kAccountPauseMax);
}

TEST_F(AccountHealthStoreTest, DisablingIsAuditedAndEnablingBeginsAnew) {
  Main({{"main", 0, 3, 10, 10, 400}});
  ASSERT_OK(store_.SwapBreaker("main", 0, Open()));
  ASSERT_OK_AND_ASSIGN(const AccountReport disabled, store_.Disable("main", "unpaid", audit_));
  EXPECT_TRUE(disabled.health.disabled);
  EXPECT_EQ(disabled.health.disable_reason, "unpaid");
  EXPECT_EQ(disabled.health.disabled_by, "operator");
  EXPECT_TRUE(disabled.health.disable_time.has_value());
  ASSERT_OK_AND_ASSIGN(const AccountReport enabled, store_.Enable("main", audit_));
  EXPECT_FALSE(enabled.health.disabled);
  EXPECT_EQ(enabled.health.breaker.state, BreakerState::kClosed);
  EXPECT_EQ(Main().window.calls, 0);
  EXPECT_EQ(database_.Psql("SELECT count(*) FROM herald.audit_entries WHERE target = 'main'"), "2");
  EXPECT_THAT(store_.Disable("gone", "why", audit_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(database_.Psql("SELECT count(*) FROM herald.audit_entries"), "2");
}

TEST_F(AccountHealthStoreTest, ReportsCallsByLatency) {
  Main({{"main", 0, 3, 10, 2, 400}, {"main", 7, 5, 2, 0, 900}});
  ASSERT_OK_AND_ASSIGN(const auto reports, store_.List(kWindow));
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].calls.calls, 12);
  EXPECT_EQ(reports[0].calls.failures, 2);
  EXPECT_EQ(reports[0].total_ms, 1300);
  EXPECT_THAT(reports[0].by_latency, ElementsAre(0, 0, 0, 10, 0, 2, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(reports[1].calls.calls, 0);
}

TEST_F(AccountHealthStoreTest, ABadAccountIsOutOnBothReplicasAndOneOfThemBringsItBack) {
  auto one = Board("one");
  auto two = Board("two");
  Call(*one, Outcome::kAccepted, 10);
  Call(*two, Outcome::kRetryable, 12);
  ASSERT_OK(one->Sync());
  ASSERT_OK(two->Sync());
  ASSERT_OK(one->Sync());
  EXPECT_FALSE(Admits(*one));
  EXPECT_FALSE(Admits(*two));

  one->Miss("main");
  two->Miss("main");
  while (Main().breaker.state != BreakerState::kHalfOpen) {  // once its millisecond is over
    ASSERT_OK(one->Sync());
    ASSERT_OK(two->Sync());
  }
  ASSERT_OK(one->Sync());
  ASSERT_OK(two->Sync());
  int probes = 0;
  for (int i = 0; i < 10; ++i) {
    probes += one->Admit("main", false).admitted ? 1 : 0;
    probes += two->Admit("main", false).admitted ? 1 : 0;
  }
  EXPECT_EQ(probes, 3);
  HealthBoard& prober = Main().breaker.prober == "one" ? *one : *two;
  Call(prober, Outcome::kAccepted, 3);
  ASSERT_OK(prober.Sync());
  ASSERT_OK(one->Sync());
  ASSERT_OK(two->Sync());
  EXPECT_TRUE(Admits(*one));
  EXPECT_TRUE(Admits(*two));
}

}  // namespace
}  // namespace herald::storage
