// PostgreSQL crashes and recovers under load.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr double kRecovered = 0.9;
constexpr absl::Duration kRecoveryPatience = absl::Seconds(30);

// Emails acknowledged per second over the next `window`.
double RateOver(const Load& load, absl::Duration window) {
  const auto before = load.acknowledged_count();
  const absl::Time start = absl::Now();
  absl::SleepFor(window);
  return static_cast<double>(load.acknowledged_count() - before) /
         absl::ToDoubleSeconds(absl::Now() - start);
}

TEST(DatabaseRestartTest, FiveCrashesOfTheDatabaseUnderLoadLoseNothingAndThroughputComesBack) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK(stack->Start({}));
  ASSERT_OK(stack->Provision());
  std::mt19937_64 random(Seed());
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  RateOver(load, absl::Seconds(1));  // caches fill
  const double before = RateOver(load, absl::Seconds(4));
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(stack->cluster().Restart(/*immediate=*/true));
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(200, 1500)(random)));
  }
  const absl::Time end = absl::Now();
  double after = 0;
  while (after < kRecovered * before && absl::Now() < end + kRecoveryPatience) {
    after = RateOver(load, absl::Seconds(2));
  }
  std::cout << "acknowledged " << before << "/s before, " << after << "/s "
            << absl::FormatDuration(absl::Now() - end) << " after the last restart" << std::endl;
  EXPECT_GT(before, 100) << "that was no load";
  EXPECT_GE(after, kRecovered * before);
  ExpectEverythingAccountedFor(*stack, load, {stack->SandboxRecord()});
}

}  // namespace
}  // namespace herald::fault
