// PostgreSQL crashes and recovers under load.
#include <gtest/gtest.h>

#include <algorithm>
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
constexpr absl::Duration kSettlePatience = absl::Seconds(30);

// What a stack acknowledges for each email that its twin acknowledges meanwhile. The twin has the
// same load on the same machine and no fault: whatever else the machine is made to do, and however
// a rate changes as tables fill, happens to both.
double ShareOver(const Load& load, const Load& twin, absl::Duration window) {
  const int64_t before = load.acknowledged_count();
  const int64_t twin_before = twin.acknowledged_count();
  absl::SleepFor(window);
  const auto own = static_cast<double>(load.acknowledged_count() - before);
  const auto others = static_cast<double>(twin.acknowledged_count() - twin_before);
  std::cout << "acknowledged " << own << ", by the twin " << others << " in " << window
            << std::endl;
  return own / std::max(others, 1.0);
}

TEST(DatabaseRestartTest, FiveCrashesOfTheDatabaseUnderLoadLoseNothingAndThroughputComesBack) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> twin, Stack::Create());
  for (Stack* each : {stack.get(), twin.get()}) {
    ASSERT_OK(each->Start({}));
    ASSERT_OK(each->Provision());
  }
  std::mt19937_64 random(Seed());
  const LoadOptions options = {.callers = 8, .emails_per_call = 20, .seed = Seed()};
  Load load(*stack, options);
  Load twin_load(*twin, options);
  ShareOver(load, twin_load, absl::Seconds(1));  // caches fill
  double shares[3];
  for (double& share : shares) share = ShareOver(load, twin_load, absl::Seconds(2));
  std::sort(std::begin(shares), std::end(shares));
  const double before = shares[1];
  EXPECT_GT(load.acknowledged_count(), 500) << "that was no load";
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(stack->cluster().Restart(/*immediate=*/true));
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(200, 1500)(random)));
  }
  const absl::Time end = absl::Now();
  double after = 0;
  while (after < kRecovered * before && absl::Now() < end + kRecoveryPatience) {
    after = ShareOver(load, twin_load, absl::Seconds(3));
  }
  std::cout << "acknowledged per email of the twin: " << before << " before, " << after << " "
            << absl::FormatDuration(absl::Now() - end) << " after the last restart" << std::endl;
  EXPECT_GE(after, kRecovered * before);
  load.Finish(kSettlePatience);  // both, lest one loads the machine while the other is counted
  ExpectEverythingAccountedFor(*twin, twin_load, {twin->SandboxRecord()});
  ExpectEverythingAccountedFor(*stack, load, {stack->SandboxRecord()});
}

}  // namespace
}  // namespace herald::fault
