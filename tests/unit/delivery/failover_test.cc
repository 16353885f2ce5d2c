#include "server/delivery/failover.h"

#include <gtest/gtest.h>

#include "tests/unit/delivery/named_provider.h"

namespace herald::delivery {
namespace {

using Kind = storage::Disposition::Kind;

// Has two accounts and no route: only exclusions matter.
class TwoAccounts final : public Router {
 public:
  RouteChoice Choose(const RouteQuery& query) override {
    EXPECT_TRUE(query.peek);
    RouteChoice choice;
    for (NamedProvider* provider : {&a, &b}) {
      const auto& excluded = query.excluded;
      if (std::find(excluded.begin(), excluded.end(), provider->account()) != excluded.end()) {
        continue;
      }
      choice.provider = provider;
      break;
    }
    return choice;
  }
  RouteChoice ChooseAccount(absl::string_view) override { return {}; }
  providers::Provider* Find(absl::string_view) const override { return nullptr; }

  NamedProvider a{"a"}, b{"b"};
};

class FailoverTest : public ::testing::Test {
 protected:
  FailoverTest() { policy_.attempts_max = 3; }

  storage::Disposition After(Outcome outcome, int attempt = 1, bool throttled = false) {
    providers::SendResult result;
    result.outcome = outcome;
    result.throttled = throttled;
    return DecideWithFailover(policy_, {email_, query_, router_.a, attempt, repeats_}, result,
                              router_, [] { return 1.0; });
  }

  LanePolicy policy_;
  storage::LeasedEmail email_;
  RouteQuery query_;
  TwoAccounts router_;
  bool repeats_ = false;
};

TEST_F(FailoverTest, WhatWasDefinitelyNotTakenGoesToTheNextAccountAtOnce) {
  for (Outcome outcome : {Outcome::kRetryable, Outcome::kProviderDown}) {
    const storage::Disposition disposition = After(outcome);
    EXPECT_EQ(disposition.kind, Kind::kRetry);
    EXPECT_EQ(disposition.delay, absl::ZeroDuration());
    EXPECT_EQ(disposition.tried_accounts, std::vector<std::string>{"a"});
  }
}

TEST_F(FailoverTest, ARejectedOrUnconfirmedEmailNeverGoesToAnotherAccount) {
  for (Outcome outcome : {Outcome::kRejected, Outcome::kUnconfirmed, Outcome::kAccepted}) {
    EXPECT_TRUE(After(outcome).tried_accounts.empty());
  }
  EXPECT_EQ(After(Outcome::kRejected).kind, Kind::kFailed);
  EXPECT_EQ(After(Outcome::kUnconfirmed).kind, Kind::kUnconfirmed);
}

TEST_F(FailoverTest, ARepeatedHandOverStaysWithItsAccount) {
  repeats_ = true;
  const storage::Disposition disposition = After(Outcome::kRetryable);
  EXPECT_EQ(disposition.kind, Kind::kUnconfirmed);
  EXPECT_GT(disposition.delay, absl::ZeroDuration());
  EXPECT_TRUE(disposition.tried_accounts.empty());
}

TEST_F(FailoverTest, WaitsOnceEveryAccountHasFailedItAndThenTriesThemAllAgain) {
  email_.tried_accounts = {"b"};
  const storage::Disposition disposition = After(Outcome::kRetryable);
  EXPECT_EQ(disposition.kind, Kind::kRetry);
  EXPECT_EQ(disposition.delay, absl::Seconds(1));
  EXPECT_TRUE(disposition.tried_accounts.empty());
}

TEST_F(FailoverTest, AnotherAccountDoesNotStretchTheBudget) {
  EXPECT_EQ(After(Outcome::kRetryable, 3).kind, Kind::kDead);
}

TEST_F(FailoverTest, ThrottledAndDownAttemptsUseUpNoBudget) {
  EXPECT_EQ(After(Outcome::kRetryable, 50, /*throttled=*/true).kind, Kind::kRetry);
  EXPECT_TRUE(After(Outcome::kRetryable, 50, /*throttled=*/true).free);
  EXPECT_EQ(After(Outcome::kProviderDown, 50).kind, Kind::kRetry);
  EXPECT_TRUE(After(Outcome::kProviderDown, 50).free);
  EXPECT_FALSE(After(Outcome::kRetryable).free);
  email_.free_attempts = 48;
  EXPECT_EQ(After(Outcome::kRetryable, 50).kind, Kind::kRetry);
  EXPECT_EQ(After(Outcome::kRetryable, 51).kind, Kind::kDead);
}

TEST_F(FailoverTest, DeferralsGrowByTheirOwnCount) {
  email_.tried_accounts = {"b"};
  email_.free_attempts = 3;
  EXPECT_EQ(After(Outcome::kRetryable, 4, /*throttled=*/true).delay, absl::Seconds(8));
  EXPECT_EQ(After(Outcome::kRetryable, 4).delay, absl::Seconds(1));
}

}  // namespace
}  // namespace herald::delivery
