#include "storage/postgres/database_clock.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

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
