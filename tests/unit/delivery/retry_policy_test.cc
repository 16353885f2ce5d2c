#include "server/delivery/retry_policy.h"

#include <gtest/gtest.h>

namespace herald::delivery {
namespace {

using Kind = storage::Disposition::Kind;

double Highest() { return 1.0; }
double Lowest() { return 0.0; }

LanePolicy Policy() {
  LanePolicy policy;
  policy.attempts_max = 5;
  policy.backoff_base = absl::Seconds(1);
  policy.backoff_cap = absl::Seconds(10);
  policy.retry_after_max = absl::Minutes(5);
  policy.evidence_wait = absl::Minutes(2);
  return policy;
}

providers::SendResult Result(Outcome outcome) {
  providers::SendResult result;
  result.outcome = outcome;
  return result;
}

TEST(Backoff, DoublesUpToTheCap) {
  std::vector<absl::Duration> ceilings;
  for (int attempt = 1; attempt <= 6; ++attempt) {
    ceilings.push_back(Backoff(Policy(), attempt, Highest));
  }
  EXPECT_EQ(ceilings,
            (std::vector<absl::Duration>{absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                                         absl::Seconds(8), absl::Seconds(10), absl::Seconds(10)}));
  EXPECT_EQ(Backoff(Policy(), 1000000, Highest), absl::Seconds(10));
}

TEST(Backoff, IsFullyJittered) {
  EXPECT_EQ(Backoff(Policy(), 3, Lowest), absl::ZeroDuration());
  EXPECT_EQ(Backoff(Policy(), 3, [] { return 0.25; }), absl::Seconds(1));
}

TEST(Decide, SendsFailsAndRetriesByOutcome) {
  EXPECT_EQ(Decide(Policy(), Result(Outcome::kAccepted), {1, 0, {}, false}, Highest).kind,
            Kind::kSent);
  EXPECT_EQ(Decide(Policy(), Result(Outcome::kRejected), {1, 0, {}, false}, Highest).kind,
            Kind::kFailed);
  const auto retry = Decide(Policy(), Result(Outcome::kRetryable), {2, 0, {}, false}, Highest);
  EXPECT_EQ(retry.kind, Kind::kRetry);
  EXPECT_EQ(retry.delay, absl::Seconds(2));
}

TEST(Decide, IsDeadAfterTheBudget) {
  EXPECT_EQ(Decide(Policy(), Result(Outcome::kRetryable), {4, 0, {}, false}, Highest).kind,
            Kind::kRetry);
  const auto dead = Decide(Policy(), Result(Outcome::kRetryable), {5, 0, {}, false}, Highest);
  EXPECT_EQ(dead.kind, Kind::kDead);
  EXPECT_EQ(dead.reason, "retries_exhausted");
}

TEST(Decide, HonoursRetryAfterWithinItsBound) {
  providers::SendResult result = Result(Outcome::kRetryable);
  result.error_code = "rate_limit_exceeded";
  result.retry_after = absl::Seconds(30);
  EXPECT_EQ(Decide(Policy(), result, {1, 0, {}, false}, Highest).delay, absl::Seconds(30));
  EXPECT_EQ(Decide(Policy(), result, {1, 0, {}, false}, Highest).reason, "rate_limit_exceeded");
  result.retry_after = absl::Hours(24);
  EXPECT_EQ(Decide(Policy(), result, {1, 0, {}, false}, Highest).delay, absl::Minutes(5));
  result.retry_after = -absl::Hours(1);
  EXPECT_EQ(Decide(Policy(), result, {1, 0, {}, false}, Highest).delay, absl::Seconds(1));
}

TEST(Decide, NeverRetriesAnUnconfirmedOneAsIfItHadFailed) {
  const auto result = Result(Outcome::kUnconfirmed);
  for (int attempt : {1, 5, 50}) {
    EXPECT_EQ(Decide(Policy(), result, {attempt, 0, {}, false}, Highest).kind, Kind::kUnconfirmed);
  }
  EXPECT_EQ(Decide(Policy(), result, {1, 0, absl::ZeroDuration(), false}, Highest).delay,
            absl::Minutes(2));
  EXPECT_EQ(Decide(Policy(), result, {1, 0, absl::Hours(24), false}, Highest).delay,
            absl::Seconds(1));
}

TEST(NextUnconfirmedStep, RepeatsTheSameBytesInsideTheWindow) {
  EXPECT_EQ(NextUnconfirmedStep(Policy(), {absl::Hours(1), absl::Hours(24), true}),
            UnconfirmedStep::kRepeat);
}

TEST(NextUnconfirmedStep, NeverRepeatsOtherBytesOrAfterTheWindow) {
  for (const UnconfirmedFacts& facts :
       {UnconfirmedFacts{absl::Hours(1), absl::Hours(24), false},
        UnconfirmedFacts{absl::Hours(24) - absl::Minutes(5), absl::Hours(24), true},
        UnconfirmedFacts{absl::Hours(1), absl::ZeroDuration(), true}}) {
    EXPECT_EQ(NextUnconfirmedStep(Policy(), facts), UnconfirmedStep::kGiveUp);
  }
}

TEST(NextUnconfirmedStep, WaitsForEvidenceThenFollowsThePolicy) {
  LanePolicy policy = Policy();
  const UnconfirmedFacts early{absl::Minutes(1), {}, true};
  const UnconfirmedFacts late{absl::Minutes(3), {}, true};
  EXPECT_EQ(NextUnconfirmedStep(policy, early), UnconfirmedStep::kWait);
  EXPECT_EQ(NextUnconfirmedStep(policy, late), UnconfirmedStep::kGiveUp);
  policy.unconfirmed = UnconfirmedPolicy::kResend;
  EXPECT_EQ(NextUnconfirmedStep(policy, early), UnconfirmedStep::kWait);
  EXPECT_EQ(NextUnconfirmedStep(policy, late), UnconfirmedStep::kResend);
}

TEST(NextUnconfirmedStep, WaitsForItsAccountUnlessThePolicyWouldRatherResend) {
  LanePolicy policy = Policy();
  UnconfirmedFacts facts{absl::Hours(1), absl::Hours(24), true, /*account_down=*/true};
  EXPECT_EQ(NextUnconfirmedStep(policy, facts), UnconfirmedStep::kWait);
  policy.unconfirmed = UnconfirmedPolicy::kResend;
  EXPECT_EQ(NextUnconfirmedStep(policy, facts), UnconfirmedStep::kResend);
  facts.age = absl::Minutes(1);
  EXPECT_EQ(NextUnconfirmedStep(policy, facts), UnconfirmedStep::kWait);
}

TEST(AfterRepeat, ForgetsNoUnconfirmedHandOver) {
  const auto waiting = AfterRepeat({Kind::kRetry, absl::Seconds(3), "rate_limit_exceeded"});
  EXPECT_EQ(waiting.kind, Kind::kUnconfirmed);
  EXPECT_EQ(waiting.delay, absl::Seconds(3));
  const auto given_up = AfterRepeat({Kind::kDead, {}, "retries_exhausted"});
  EXPECT_EQ(given_up.kind, Kind::kFailed);
  EXPECT_EQ(given_up.reason, "outcome_unknown");
  EXPECT_EQ(AfterRepeat({Kind::kSent, {}, ""}).kind, Kind::kSent);
  EXPECT_EQ(AfterRepeat({Kind::kFailed, {}, "validation_error"}).reason, "validation_error");
}

TEST(LanePolicy, ResendsOnlyWhatIsWorthTwoCopies) {
  EXPECT_EQ(DefaultLanePolicy(Lane::kCritical).unconfirmed, UnconfirmedPolicy::kResend);
  EXPECT_EQ(DefaultLanePolicy(Lane::kBulk).unconfirmed, UnconfirmedPolicy::kHold);
}

}  // namespace
}  // namespace herald::delivery
