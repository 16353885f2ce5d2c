#include "server/delivery/health_board.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/unit/delivery/fake_account_health_store.h"

namespace herald::delivery {
namespace {

using storage::BreakerState;

class Witness final : public HealthObserver {
 public:
  void OnBreaker(const storage::AccountHealth& health, bool shared) override {
    moves.push_back(health.breaker);
    if (!shared) ++alone;
  }
  std::vector<storage::Breaker> moves;
  int alone = 0;
};

class HealthBoardTest : public ::testing::Test {
 protected:
  std::unique_ptr<HealthBoard> Board(const std::string& replica) {
    HealthBoard::Options options;
    options.accounts = {"main", "sandbox"};
    options.unguarded = {"sandbox"};
    options.replica = replica;
    options.clock = [this] { return store_.now + set_back_; };
    auto board = std::make_unique<HealthBoard>(options, &store_, &witness_);
    EXPECT_TRUE(board->Sync().ok());
    return board;
  }
  static void Call(HealthBoard& board, Outcome outcome, int times = 1,
                   const std::string& account = "main") {
    for (int i = 0; i < times; ++i) {
      providers::SendResult result;
      result.outcome = outcome;
      board.End(account, board.Begin(account), result);
    }
  }
  static bool Admits(HealthBoard& board, const std::string& account = "main") {
    return board.Admit(account, /*peek=*/true).admitted;
  }
  // The store's clock, and not the boards': another server answers.
  void SetStoreBack(absl::Duration by) {
    store_.now -= by;
    set_back_ += by;
  }
  static void Throttle(HealthBoard& board, absl::Duration retry_after) {
    providers::SendResult result;
    result.outcome = Outcome::kRetryable;
    result.throttled = true;
    result.retry_after = retry_after;
    board.End("main", board.Begin("main"), result);
  }
  BreakerState State() const { return store_.accounts.at("main").breaker.state; }

  FakeAccountHealthStore store_;
  Witness witness_;
  absl::Duration set_back_;
};

TEST_F(HealthBoardTest, AnAccountThatFailsOnOneReplicaIsOutOnAll) {
  auto one = Board("one");
  auto two = Board("two");
  Call(*one, Outcome::kAccepted, 10);
  Call(*one, Outcome::kRetryable, 10);
  EXPECT_TRUE(Admits(*one));
  ASSERT_TRUE(one->Sync().ok());
  EXPECT_FALSE(Admits(*one));
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_FALSE(Admits(*two));
  EXPECT_EQ(witness_.moves.size(), 1u);
}

TEST_F(HealthBoardTest, WhatReplicasSawApartCountsTogether) {
  auto one = Board("one");
  auto two = Board("two");
  Call(*one, Outcome::kRetryable, 6);
  Call(*two, Outcome::kRetryable, 6);
  ASSERT_TRUE(one->Sync().ok());
  EXPECT_TRUE(Admits(*one));
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_FALSE(Admits(*two));
}

TEST_F(HealthBoardTest, RejectedMailSaysNothingAgainstTheAccount) {
  auto board = Board("one");
  Call(*board, Outcome::kRejected, 50);
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_TRUE(Admits(*board));
}

TEST_F(HealthBoardTest, ACallThatLastsTooLongCountsBeforeItEnds) {
  auto board = Board("one");
  std::vector<int64_t> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(board->Begin("main"));
  store_.now += absl::Seconds(2);
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_TRUE(Admits(*board));
  store_.now += absl::Seconds(2);
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_FALSE(Admits(*board));
  // Once.
  for (int64_t call : calls) board->End("main", call, {});
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_EQ(store_.accounts.at("main").breaker.opens, 1);
}

TEST_F(HealthBoardTest, AnAccountThatCannotSendIsOutAtOnceWithItsReason) {
  auto board = Board("one");
  providers::SendResult result;
  result.outcome = Outcome::kProviderDown;
  result.error_code = "daily_quota_exceeded";
  board->End("main", board->Begin("main"), result);
  EXPECT_FALSE(Admits(*board));
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kOpen);
  EXPECT_EQ(store_.accounts.at("main").breaker.reason, "daily_quota_exceeded");
}

TEST_F(HealthBoardTest, ASenderThatIsNotVerifiedHarmsNobodyElse) {
  auto board = Board("one");
  providers::SendResult result;
  result.outcome = Outcome::kProviderDown;
  result.sender_only = true;
  for (int i = 0; i < 50; ++i) board->End("main", board->Begin("main"), result);
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_TRUE(Admits(*board));
}

TEST_F(HealthBoardTest, ATooFastAccountPausesOnAllReplicasAndIsNotAtFault) {
  auto one = Board("one");
  auto two = Board("two");
  for (int i = 0; i < 50; ++i) Throttle(*one, absl::Seconds(2));
  EXPECT_FALSE(Admits(*one));
  EXPECT_EQ(one->Admit("main", true).wait, absl::Seconds(2));
  ASSERT_TRUE(one->Sync().ok());
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_FALSE(Admits(*two));
  EXPECT_EQ(State(), BreakerState::kClosed);
  store_.now += absl::Seconds(2);
  EXPECT_TRUE(Admits(*one));
  EXPECT_TRUE(Admits(*two));
}

TEST_F(HealthBoardTest, APauseThatTheDatabaseDidNotTakeIsToldToTheOthersLater) {
  auto one = Board("one");
  auto two = Board("two");
  store_.away = true;
  Throttle(*one, absl::Seconds(10));
  EXPECT_FALSE(one->Sync().ok());
  EXPECT_FALSE(Admits(*one));
  store_.away = false;
  store_.now += absl::Seconds(4);
  ASSERT_TRUE(one->Sync().ok());
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_FALSE(Admits(*two));
  EXPECT_EQ(two->Admit("main", true).wait, absl::Seconds(6)) << "what is left of it";
  store_.now += absl::Seconds(6);
  EXPECT_TRUE(Admits(*one));
  EXPECT_TRUE(Admits(*two));
}

TEST_F(HealthBoardTest, APauseEndsInTimeAlsoWhenTheDatabasesClockWasSetBack) {
  auto one = Board("one");
  auto two = Board("two");
  Throttle(*one, absl::Minutes(5));
  ASSERT_TRUE(one->Sync().ok());
  ASSERT_TRUE(two->Sync().ok());
  SetStoreBack(absl::Hours(1));
  ASSERT_TRUE(one->Sync().ok());
  ASSERT_TRUE(two->Sync().ok());
  auto three = Board("three");
  for (HealthBoard* board : {one.get(), two.get(), three.get()}) EXPECT_FALSE(Admits(*board));
  for (int minute = 0; minute < 6; ++minute) {
    store_.now += absl::Minutes(1);
    for (HealthBoard* board : {one.get(), two.get(), three.get()}) {
      ASSERT_TRUE(board->Sync().ok());
    }
  }
  for (HealthBoard* board : {one.get(), two.get(), three.get()}) EXPECT_TRUE(Admits(*board));
}

TEST_F(HealthBoardTest, AnOpenBreakerIsProbedInTimeAlsoWhenTheDatabasesClockWasSetBack) {
  auto one = Board("one");
  auto two = Board("two");
  Call(*one, Outcome::kRetryable, 20);
  ASSERT_TRUE(one->Sync().ok());
  ASSERT_TRUE(two->Sync().ok());
  SetStoreBack(absl::Hours(1));
  ASSERT_TRUE(two->Sync().ok());
  two->Miss("main");
  store_.now += absl::Seconds(4);
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kOpen);
  store_.now += absl::Seconds(1);
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kHalfOpen);
  EXPECT_TRUE(two->Admit("main", false).admitted);
  Call(*two, Outcome::kAccepted, 3);
  ASSERT_TRUE(two->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kClosed);
  ASSERT_TRUE(one->Sync().ok());
  EXPECT_TRUE(Admits(*one));
}

TEST_F(HealthBoardTest, ExactlyOneReplicaProbesWithAFewHandOversAndClosesTheBreaker) {
  auto one = Board("one");
  auto two = Board("two");
  Call(*one, Outcome::kRetryable, 20);
  ASSERT_TRUE(one->Sync().ok());
  ASSERT_TRUE(two->Sync().ok());
  store_.now += absl::Seconds(5);
  one->Miss("main");
  two->Miss("main");
  ASSERT_TRUE(two->Sync().ok());
  ASSERT_TRUE(one->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kHalfOpen);
  EXPECT_FALSE(one->Admit("main", false).admitted);
  int admitted = 0;
  for (int i = 0; i < 10; ++i) admitted += two->Admit("main", false).admitted ? 1 : 0;
  EXPECT_EQ(admitted, 3);
  Call(*two, Outcome::kAccepted, 3);
  ASSERT_TRUE(two->Sync().ok());
  ASSERT_TRUE(one->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kClosed);
  EXPECT_TRUE(Admits(*one));
  EXPECT_TRUE(Admits(*two));
}

TEST_F(HealthBoardTest, AnAnswerFromBeforeTheProbationDoesNotCountInIt) {
  auto board = Board("one");
  const int64_t late = board->Begin("main");
  Call(*board, Outcome::kRetryable, 20);
  ASSERT_TRUE(board->Sync().ok());
  store_.now += absl::Seconds(5);
  board->Miss("main");
  ASSERT_TRUE(board->Sync().ok());
  ASSERT_EQ(State(), BreakerState::kHalfOpen);
  providers::SendResult failed;
  failed.outcome = Outcome::kRetryable;
  board->End("main", late, failed);
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_EQ(State(), BreakerState::kHalfOpen);
}

TEST_F(HealthBoardTest, GoesOnAloneWhileTheDatabaseIsAway) {
  auto board = Board("one");
  store_.away = true;
  Call(*board, Outcome::kRetryable, 20);
  EXPECT_THAT(board->Sync().status(), support::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(Admits(*board));
  EXPECT_EQ(witness_.alone, 1);
  store_.now += absl::Seconds(6);
  board->Miss("main");
  EXPECT_FALSE(board->Sync().ok());
  EXPECT_TRUE(board->Admit("main", false).admitted);
  Call(*board, Outcome::kAccepted, 3);
  EXPECT_FALSE(board->Sync().ok());
  EXPECT_TRUE(Admits(*board));
  EXPECT_EQ(witness_.alone, 3);
}

TEST_F(HealthBoardTest, StartsWithoutTheDatabase) {
  store_.away = true;
  HealthBoard::Options options;
  options.accounts = {"main"};
  options.replica = "one";
  options.clock = [this] { return store_.now; };
  HealthBoard board(options, &store_, &witness_);
  EXPECT_FALSE(board.Sync().ok());
  EXPECT_TRUE(Admits(board));
  store_.away = false;
  EXPECT_TRUE(board.Sync().ok());
  EXPECT_EQ(store_.accounts.size(), 1u);
}

TEST_F(HealthBoardTest, ADisabledAccountTakesNothing) {
  auto board = Board("one");
  store_.accounts.at("main").disabled = true;
  store_.accounts.at("sandbox").disabled = true;
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_FALSE(Admits(*board));
  EXPECT_FALSE(Admits(*board, "sandbox"));
}

TEST_F(HealthBoardTest, AnUnguardedAccountIsNeverTakenOut) {
  auto board = Board("one");
  Call(*board, Outcome::kRetryable, 50, "sandbox");
  Call(*board, Outcome::kProviderDown, 50, "sandbox");
  ASSERT_TRUE(board->Sync().ok());
  EXPECT_TRUE(Admits(*board, "sandbox"));
}

}  // namespace
}  // namespace herald::delivery
