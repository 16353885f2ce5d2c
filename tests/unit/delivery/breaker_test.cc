#include "server/delivery/breaker.h"

#include <gtest/gtest.h>

namespace herald::delivery {
namespace {

using storage::Breaker;
using storage::BreakerState;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

BreakerPolicy Policy() {
  BreakerPolicy policy;
  policy.error_rate = 0.3;
  policy.recent_volume = 20;
  policy.window_volume = 10;
  policy.open_base = absl::Seconds(5);
  policy.open_cap = absl::Seconds(60);
  policy.down_base = absl::Minutes(1);
  policy.probes = 3;
  policy.probe_lease = absl::Seconds(10);
  return policy;
}

Breaker Closed(int opens = 0, absl::Time since = absl::InfinitePast()) {
  Breaker breaker;
  breaker.opens = opens;
  breaker.since = since;
  return breaker;
}

Breaker Opened(absl::Time until) {
  Breaker breaker;
  breaker.state = BreakerState::kOpen;
  breaker.opens = 1;
  breaker.since = until - absl::Seconds(5);
  breaker.until = until;
  return breaker;
}

Breaker Probed(absl::Time until) {
  Breaker breaker = Opened(until);
  breaker.state = BreakerState::kHalfOpen;
  breaker.prober = "one";
  return breaker;
}

absl::optional<Breaker> Next(const Breaker& breaker, const BreakerFacts& facts) {
  return NextBreaker(Policy(), breaker, facts, "two", kNow);
}

TEST(NextBreaker, OpensOnceTheShareOfFailuresIsReachedInEitherWindow) {
  EXPECT_FALSE(Next(Closed(), {{20, 5}, {40, 10}, "", false}).has_value());
  const auto quick = Next(Closed(), {{20, 6}, {100, 6}, "", false});
  ASSERT_TRUE(quick.has_value());
  EXPECT_EQ(quick->state, BreakerState::kOpen);
  EXPECT_EQ(quick->reason, "error_rate");
  EXPECT_EQ(quick->until, kNow + absl::Seconds(5));
  EXPECT_TRUE(Next(Closed(), {{2, 2}, {10, 3}, "", false}).has_value());
}

TEST(NextBreaker, StaysClosedOnFewCalls) {
  EXPECT_FALSE(Next(Closed(), {{9, 9}, {9, 9}, "", false}).has_value());
}

TEST(NextBreaker, OpensAtOnceWhenTheProviderSaysThatTheAccountCannotSend) {
  const auto next = Next(Closed(), {{0, 0}, {0, 0}, "suspended_api_key", false});
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->state, BreakerState::kOpen);
  EXPECT_EQ(next->reason, "suspended_api_key");
  EXPECT_EQ(next->until, kNow + absl::Minutes(1));
}

TEST(NextBreaker, StaysOpenLongerEachTimeInARowAndForgetsThatWhenCalm) {
  const BreakerFacts bad{{20, 20}, {20, 20}, "", false};
  EXPECT_EQ(Next(Closed(2, kNow - absl::Seconds(10)), bad)->until, kNow + absl::Seconds(20));
  EXPECT_EQ(Next(Closed(9, kNow - absl::Seconds(10)), bad)->until, kNow + absl::Seconds(60));
  EXPECT_EQ(Next(Closed(9, kNow - absl::Minutes(10)), bad)->until, kNow + absl::Seconds(5));
  EXPECT_EQ(Next(Probed(kNow), {{1, 1}, {1, 1}, "", false})->until, kNow + absl::Seconds(10));
}

TEST(NextBreaker, LetsWhoWantsItProbeWhenTheTimeHasCome) {
  EXPECT_FALSE(Next(Opened(kNow + absl::Milliseconds(1)), {{}, {}, "", true}).has_value());
  EXPECT_FALSE(Next(Opened(kNow), {{}, {}, "", false}).has_value());
  const auto next = Next(Opened(kNow), {{}, {}, "", true});
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->state, BreakerState::kHalfOpen);
  EXPECT_EQ(next->prober, "two");
  EXPECT_EQ(next->until, kNow + absl::Seconds(10));
}

TEST(NextBreaker, ClosesAfterEnoughProbesAndOpensAfterOneThatFails) {
  const Breaker probed = Probed(kNow + absl::Seconds(1));
  EXPECT_FALSE(Next(probed, {{2, 0}, {2, 0}, "", true}).has_value());
  const auto closed = Next(probed, {{3, 0}, {3, 0}, "", true});
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->state, BreakerState::kClosed);
  const auto opened = Next(probed, {{3, 1}, {3, 1}, "", true});
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->state, BreakerState::kOpen);
  EXPECT_EQ(opened->opens, 2);
}

TEST(NextBreaker, HandsProbingOverWhenTheProberDoesNotComeBack) {
  EXPECT_FALSE(Next(Probed(kNow + absl::Milliseconds(1)), {{}, {}, "", true}).has_value());
  const auto next = Next(Probed(kNow), {{}, {}, "", true});
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->state, BreakerState::kHalfOpen);
  EXPECT_EQ(next->prober, "two");
}

}  // namespace
}  // namespace herald::delivery
