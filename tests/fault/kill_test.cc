// heraldd under load, killed and stopped at random moments.
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

constexpr absl::Duration kPatience = absl::Seconds(10);

class KillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
  }

  absl::Duration Moment(int least_ms, int most_ms) {
    return absl::Milliseconds(std::uniform_int_distribution<int>(least_ms, most_ms)(random_));
  }

  std::mt19937_64 random_{Seed()};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
};

TEST_F(KillTest, TwentyKillsAtRandomMomentsUnderLoadLoseNothing) {
  constexpr int kKills = 20;
  Load load(*stack_, {.callers = 6, .emails_per_call = 10, .seed = Seed()});
  absl::Duration up;
  for (int i = 0; i < kKills; ++i) {
    ASSERT_TRUE(load.AwaitProgress(kPatience)) << stack_->process().Stderr();
    const absl::Duration moment = Moment(0, 800);
    absl::SleepFor(moment);  // the fault's own time: nothing is waited for
    up += moment;
    stack_->Kill9();
    ASSERT_OK(stack_->Start(settings_));
  }
  const auto accepted = load.acknowledged_count();
  std::cout << "acknowledged " << accepted << " in " << absl::FormatDuration(up) << " under load, "
            << static_cast<double>(accepted) / absl::ToDoubleSeconds(up) << "/s" << std::endl;
  EXPECT_GT(accepted, 500) << "that was no load";
  ExpectEverythingAccountedFor(*stack_, load, {stack_->SandboxRecord()});
}

TEST_F(KillTest, SigtermUnderLoadEndsWithZeroInTimeAndLeavesNothingInDoubt) {
  Load load(*stack_, {.callers = 6, .emails_per_call = 10, .seed = Seed()});
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(load.AwaitProgress(kPatience)) << stack_->process().Stderr();
    absl::SleepFor(Moment(0, 1000));
    const absl::Time asked = absl::Now();
    EXPECT_EQ(stack_->Terminate(settings_.drain_grace), 0) << stack_->process().Stderr();
    std::cout << "drained in " << absl::FormatDuration(absl::Now() - asked) << std::endl;
    ASSERT_OK(stack_->Start(settings_));
  }
  ExpectEverythingAccountedFor(*stack_, load, {stack_->SandboxRecord()});
  // What was in flight was waited for and recorded.
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.attempts WHERE outcome = 3"), "0");
}

}  // namespace
}  // namespace herald::fault
