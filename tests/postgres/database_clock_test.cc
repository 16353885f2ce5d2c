#include "storage/postgres/database_clock.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

constexpr absl::Time kSteady = absl::UnixEpoch();

// The offset believed after the database, which is an hour ahead, answered a question that took so
// long, having looked at its clock after `looked`.
absl::Duration After(absl::optional<absl::Duration> believed, absl::Duration took,
                     absl::Duration looked) {
  return OffsetAfter(believed, kSteady, kSteady + absl::Hours(1) + looked, kSteady + took);
}

TEST(OffsetAfter, OfTheFirstAnswerIsTheMiddle) {
  EXPECT_EQ(After(absl::nullopt, absl::Seconds(2), absl::Seconds(2)),
            absl::Hours(1) + absl::Seconds(1));
}

TEST(OffsetAfter, ASlowAnswerDoesNotSpoilWhatIsKnown) {
  EXPECT_EQ(After(absl::Hours(1), absl::Seconds(12), absl::Seconds(12)), absl::Hours(1));
  EXPECT_EQ(After(absl::Hours(1), absl::Seconds(12), absl::ZeroDuration()), absl::Hours(1));
}

TEST(OffsetAfter, AQuickAnswerPutsRightWhatIsNot) {
  const absl::Duration quick = absl::Milliseconds(1);
  EXPECT_EQ(After(absl::Hours(1) + absl::Seconds(6), quick, quick), absl::Hours(1) + quick);
  EXPECT_EQ(After(absl::Minutes(1), quick, quick), absl::Hours(1));
}

TEST(DatabaseClockTest, TellsTheDatabasesTime) {
  TestDatabase database;
  DatabaseClock clock(database.pool());
  ASSERT_OK(clock.Measure());
  // On one host the two are the same.
  EXPECT_LT(absl::AbsDuration(clock.Now() - absl::Now()), absl::Seconds(1));
  const absl::Time before = clock.Now();
  absl::SleepFor(absl::Milliseconds(2));
  EXPECT_GE(clock.Now() - before, absl::Milliseconds(2));
}

TEST(DatabaseClockTest, TellsTheHostsTimeUntilTheDatabaseWasAskedAndGoesOnWithoutIt) {
  PoolOptions nowhere;
  nowhere.dsn = "host=127.0.0.1 port=1 user=nobody";
  nowhere.acquire_timeout = absl::Milliseconds(10);
  ConnectionPool pool(nowhere);
  DatabaseClock clock(pool);
  EXPECT_TRUE(absl::IsUnavailable(clock.Measure()));
  EXPECT_LT(absl::AbsDuration(clock.Now() - absl::Now()), absl::Seconds(1));
}

}  // namespace
}  // namespace herald::storage
