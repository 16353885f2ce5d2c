#include "model/rate_bucket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

namespace herald {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

RateBucket Fresh(const Pace& pace) { return RateBucket(pace, {}); }
// As another transaction finds it.
RateBucket Again(const Pace& pace, const RateBucket& bucket) { return {pace, bucket.state()}; }

TEST(RateBucket, ABurstGoesAtOnceAndTheRestAtEvenSlots) {
  RateBucket bucket = Fresh(PaceOf(Rate{10, 3}, absl::ZeroDuration()));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.Book(Lane::kBulk, kNow), kNow) << i;
  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(bucket.Book(Lane::kBulk, kNow), kNow + absl::Milliseconds(100) * i);
  }
}

TEST(RateBucket, TokensComeBackWithTimeUpToTheBurst) {
  RateBucket bucket = Fresh(PaceOf(Rate{10, 3}, absl::ZeroDuration()));
  for (int i = 0; i < 3; ++i) bucket.Take(Lane::kBulk, kNow);
  const absl::Time later = kNow + absl::Milliseconds(200);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(bucket.SlotOf(Lane::kBulk, later), later);
    bucket.Take(Lane::kBulk, later);
  }
  EXPECT_EQ(bucket.SlotOf(Lane::kBulk, later), later + absl::Milliseconds(100));
  const absl::Time much_later = kNow + absl::Hours(1);
  for (int i = 0; i < 3; ++i) bucket.Take(Lane::kBulk, much_later);
  EXPECT_GT(bucket.SlotOf(Lane::kBulk, much_later), much_later);
}

TEST(RateBucket, ARateWithoutABurstGetsTheDefaultsWorthAndAtLeastOne) {
  EXPECT_EQ(PaceOf(Rate{100, 0}, absl::Milliseconds(100)).burst, 10);
  EXPECT_EQ(PaceOf(Rate{2, 0}, absl::Milliseconds(100)).burst, 1);
  EXPECT_EQ(PaceOf(Rate{2, 7}, absl::Milliseconds(100)).burst, 7);
}

TEST(RateBucket, TheSmallestRateIsALimitToo) {
  for (const double per_second : {1e-10, 1e-300}) {
    RateBucket bucket = Fresh(PaceOf(Rate{per_second, 0}, absl::Seconds(1)));
    EXPECT_EQ(bucket.SlotOf(Lane::kBulk, kNow), kNow);
    bucket.Take(Lane::kBulk, kNow);
    EXPECT_EQ(bucket.SlotOf(Lane::kBulk, kNow), kNow + absl::Hours(24 * 366)) << per_second;
  }
}

TEST(RateBucket, AnIntervalIsRoundedToTheSlowSide) {
  EXPECT_EQ(PaceOf(Rate{3, 1}, absl::ZeroDuration()).interval, absl::Nanoseconds(333'333'334));
}

TEST(RateBucket, ItsStateSurvivesStorage) {
  const Pace pace = PaceOf(Rate{10, 1}, absl::ZeroDuration());
  RateBucket bucket = Fresh(pace);
  bucket.Book(Lane::kBulk, kNow);
  bucket.Book(Lane::kBulk, kNow);
  RateBucket again = Again(pace, bucket);
  EXPECT_FALSE(again.changed());
  EXPECT_EQ(again.SlotOf(Lane::kBulk, kNow), kNow + absl::Milliseconds(200));
  EXPECT_EQ(again.idle_time(), kNow + absl::Milliseconds(200));
}

TEST(RateBucket, WhatWasBookedAtASlowerPaceTakesNoLongerThanAtTheNewOne) {
  const Pace slow = PaceOf(Rate{0.01, 1}, absl::ZeroDuration());
  const Pace fast = PaceOf(Rate{100, 1}, absl::ZeroDuration());
  RateBucket bucket = Fresh(slow);
  for (int i = 0; i < 100; ++i) bucket.Book(Lane::kStandard, kNow);
  EXPECT_EQ(bucket.SlotOf(Lane::kStandard, kNow), kNow + absl::Seconds(100 * 100));
  RateBucket faster = Again(fast, bucket);
  for (const Lane lane : {Lane::kStandard, Lane::kBulk}) {
    EXPECT_GT(faster.SlotOf(lane, kNow), kNow + absl::Milliseconds(10) * 95) << "100 are booked";
    EXPECT_LE(faster.SlotOf(lane, kNow), kNow + absl::Milliseconds(10) * 105);
  }
  const absl::Time slot = faster.Book(Lane::kStandard, kNow);
  EXPECT_EQ(Again(fast, faster).SlotOf(Lane::kStandard, kNow), slot + absl::Milliseconds(10));
}

TEST(RateBucket, TokensGivenOnCreditAtASlowerPaceAreSoonPaid) {
  RateBucket bucket = Fresh(PaceOf(Rate{1, 1}, absl::ZeroDuration()));
  EXPECT_EQ(bucket.TakeUpTo(1000, 1000, kNow).tokens, 1000);
  EXPECT_EQ(bucket.TakeUpTo(1, 1, kNow).wait, absl::Seconds(1000));
  RateBucket faster = Again(PaceOf(Rate{1000, 100}, absl::ZeroDuration()), bucket);
  const RateBucket::Grant none = faster.TakeUpTo(1, 1, kNow);
  EXPECT_EQ(none.tokens, 0);
  EXPECT_LE(none.wait, absl::Milliseconds(1001));
  EXPECT_EQ(faster.TakeUpTo(1, 1, kNow + none.wait).tokens, 1);
}

// Random use of all lanes: a constant pace is never taken for a faster one.
TEST(RateBucket, AConstantPaceIsHeldHoweverLanesMix) {
  const Pace pace = PaceOf(Rate{10, 3}, absl::ZeroDuration());
  std::mt19937_64 random(7);
  for (int run = 0; run < 50; ++run) {
    RateBucket bucket = Fresh(pace);
    std::vector<std::pair<absl::Time, Lane>> parked;
    std::vector<absl::Time> used;
    absl::Time now = kNow;
    for (int step = 0; step < 2000; ++step) {
      now += absl::Milliseconds(random() % 150);
      for (auto& [slot, lane] : parked) {
        if (slot > now) continue;
        const absl::optional<absl::Time> later = bucket.Redeem(lane, now);
        if (!later.has_value()) used.push_back(now);
        slot = later.value_or(absl::InfiniteFuture());
      }
      std::erase_if(parked, [](const auto& one) { return one.first == absl::InfiniteFuture(); });
      const Lane lane = kAllLanes[random() % kAllLanes.size()];
      if (bucket.SlotOf(lane, now) == now) {
        bucket.Take(lane, now);
        used.push_back(now);
      } else if (parked.size() < 40) {
        parked.emplace_back(bucket.Book(lane, now), lane);
      }
      bucket = Again(pace, bucket);
    }
    // A token more than the pace and the bursts of four lanes give would show within a minute.
    for (size_t i = 0; i + 600 < used.size(); ++i) {
      ASSERT_GE(used[i + 600] - used[i],
                absl::Seconds(60) - absl::Milliseconds(100) * 3 * 4 - absl::Milliseconds(150))
          << run;
    }
  }
}

TEST(RateBucket, AnUrgentLaneOvertakesWhatIsParkedAndTheSumStays) {
  const Pace pace = PaceOf(Rate{10, 1}, absl::ZeroDuration());
  RateBucket bucket = Fresh(pace);
  bucket.Take(Lane::kBulk, kNow);
  for (int i = 1; i <= 100; ++i) bucket.Book(Lane::kBulk, kNow);
  const absl::Time soon = kNow + absl::Milliseconds(50);
  EXPECT_EQ(bucket.SlotOf(Lane::kCritical, soon), soon);
  bucket.Take(Lane::kCritical, soon);
  // The first parked email gives its token up, for one after the last.
  const absl::Time first = kNow + absl::Milliseconds(100);
  const absl::optional<absl::Time> moved = bucket.Redeem(Lane::kBulk, first);
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(*moved, kNow + absl::Milliseconds(10'100));
  for (int i = 2; i <= 100; ++i) {
    EXPECT_FALSE(bucket.Redeem(Lane::kBulk, kNow + absl::Milliseconds(100) * i).has_value()) << i;
  }
  EXPECT_FALSE(bucket.Redeem(Lane::kBulk, *moved).has_value());
}

TEST(RateBucket, ALessUrgentLaneWaitsBehindTheUrgentOne) {
  RateBucket bucket = Fresh(PaceOf(Rate{10, 1}, absl::ZeroDuration()));
  for (int i = 0; i < 5; ++i) bucket.Book(Lane::kTransactional, kNow);
  EXPECT_EQ(bucket.SlotOf(Lane::kBulk, kNow), kNow + absl::Milliseconds(500));
  EXPECT_EQ(bucket.SlotOf(Lane::kCritical, kNow), kNow);
}

TEST(RateBucket, AQuotaHoldsInEveryWindow) {
  const Pace pace = PaceOf(Quota{3, absl::Hours(24)});
  RateBucket bucket = Fresh(pace);
  std::vector<absl::Time> slots;
  for (int i = 0; i < 10; ++i) {
    const absl::Time now = kNow + absl::Hours(i);
    slots.push_back(bucket.Book(Lane::kBulk, now));
    bucket = Again(pace, bucket);
  }
  for (size_t i = 3; i < slots.size(); ++i) {
    EXPECT_GE(slots[i] - slots[i - 3], absl::Hours(24)) << i;
  }
  EXPECT_EQ(slots[2], kNow + absl::Hours(2));
  EXPECT_EQ(slots[3], kNow + absl::Hours(24));
}

TEST(RateBucket, AYoungDomainSendsADaysWorthADayByTheSchedule) {
  RateBucket bucket = Fresh(WarmUpPace(kNow));
  std::vector<int> a_day(kWarmUpSchedule.size());
  absl::Time slot = kNow;
  while (true) {
    slot = bucket.Book(Lane::kBulk, kNow);
    const auto day = static_cast<size_t>((slot - kNow) / absl::Hours(24));
    if (day >= 6) break;
    ++a_day[day];
  }
  for (size_t day = 0; day < 6; ++day) {
    const int limit = kWarmUpSchedule[day];
    // The hour's worth that may go ahead belongs to the next day, which has more.
    EXPECT_LE(a_day[day], limit + kWarmUpSchedule[day + 1] / 24 + 1) << day;
    EXPECT_GE(a_day[day], limit - limit / 24) << day;
  }
}

TEST(RateBucket, AWarmDomainHasNoLimit) {
  RateBucket bucket = Fresh(WarmUpPace(kNow - absl::Hours(24 * 15)));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(bucket.Book(Lane::kBulk, kNow), kNow);
}

TEST(RateBucket, GivesManyTokensAtOnceOrSaysExactlyWhen) {
  RateBucket bucket = Fresh(PaceOf(Rate{10, 20}, absl::ZeroDuration()));
  EXPECT_EQ(bucket.TakeUpTo(1, 15, kNow).tokens, 15);
  EXPECT_EQ(bucket.TakeUpTo(1, 15, kNow).tokens, 5);
  const RateBucket::Grant none = bucket.TakeUpTo(3, 15, kNow);
  EXPECT_EQ(none.tokens, 0);
  EXPECT_EQ(none.wait, absl::Milliseconds(300));
  EXPECT_EQ(bucket.TakeUpTo(3, 15, kNow + none.wait).tokens, 3);
}

TEST(RateBucket, AFullBucketGivesMoreThanItsBurstOnCredit) {
  RateBucket bucket = Fresh(PaceOf(Rate{10, 20}, absl::ZeroDuration()));
  EXPECT_EQ(bucket.TakeUpTo(100, 100, kNow).tokens, 100);
  // 80 on credit and one more.
  EXPECT_EQ(bucket.TakeUpTo(1, 1, kNow).wait, absl::Milliseconds(8100));
}

}  // namespace
}  // namespace herald
