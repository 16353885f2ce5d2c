#include "server/acceptance/commit_pace.h"

#include <gtest/gtest.h>

namespace herald::acceptance {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

CommitPace PaceWith(double random) {
  return CommitPace([random] { return random; });
}

// A hundred emails every ten milliseconds.
absl::Time CommitFor(CommitPace& pace, absl::Duration time) {
  const absl::Time end = kStart + time;
  for (absl::Time now = kStart; now < end; now += absl::Milliseconds(10)) pace.Committed(100, now);
  return end;
}

TEST(CommitPace, SendsCallersAwayUntilHalfOfTheLineIsCommitted) {
  CommitPace pace = PaceWith(0.5);
  const absl::Time now = CommitFor(pace, absl::Seconds(30));
  EXPECT_NEAR(absl::ToDoubleSeconds(pace.ComeAgainIn(20'000, now)), 1, 0.02);
  EXPECT_NEAR(absl::ToDoubleSeconds(pace.ComeAgainIn(60'000, now)), 3, 0.06);
}

TEST(CommitPace, SpreadsThoseWhoAreRefusedTogether) {
  CommitPace early = PaceWith(0), late = PaceWith(0.999);
  const absl::Time now = CommitFor(early, absl::Seconds(30));
  CommitFor(late, absl::Seconds(30));
  EXPECT_NEAR(absl::ToDoubleSeconds(early.ComeAgainIn(20'000, now)), 0.5, 0.01);
  EXPECT_NEAR(absl::ToDoubleSeconds(late.ComeAgainIn(20'000, now)), 1.5, 0.03);
}

TEST(CommitPace, FollowsADatabaseThatSlowsDown) {
  CommitPace pace = PaceWith(0.5);
  absl::Time now = CommitFor(pace, absl::Seconds(30));
  for (int i = 0; i < 1500; ++i) pace.Committed(20, now += absl::Milliseconds(10));
  EXPECT_NEAR(absl::ToDoubleSeconds(pace.ComeAgainIn(20'000, now)), 5, 0.3);
}

TEST(CommitPace, BoundsTheDelay) {
  CommitPace pace = PaceWith(0.5);
  EXPECT_EQ(pace.ComeAgainIn(20'000, kStart), CommitPace::kDelayMax) << "nothing is known yet";
  const absl::Time now = CommitFor(pace, absl::Seconds(30));
  EXPECT_EQ(pace.ComeAgainIn(1, now), CommitPace::kDelayMin);
  EXPECT_EQ(pace.ComeAgainIn(20'000, now + absl::Hours(1)), CommitPace::kDelayMax) << "it hangs";
  EXPECT_LE(pace.ComeAgainIn(20'000, now - absl::Hours(1)), CommitPace::kDelayMax)
      << "the clock was set back";
}

}  // namespace
}  // namespace herald::acceptance
