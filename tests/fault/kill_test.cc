// heraldd under load, killed and stopped at random moments.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
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

TEST_F(KillTest, TwentySigtermsUnderLoadEndInTimeAndLeaveNothingInDoubt) {
  Load load(*stack_, {.callers = 6, .emails_per_call = 10, .seed = Seed()});
  absl::Duration longest;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(load.AwaitProgress(kPatience)) << stack_->process().Stderr();
    absl::SleepFor(Moment(0, 300));
    const absl::Time asked = absl::Now();
    ASSERT_EQ(stack_->Terminate(settings_.drain_grace), 0) << stack_->process().Stderr();
    longest = std::max(longest, absl::Now() - asked);
    // Nobody else is there to give a lease back.
    ASSERT_EQ(stack_->Query("SELECT count(*) FROM herald.queue WHERE lease_until IS NOT NULL"), "0")
        << "unstarted leases were not given back, or something in flight was not recorded";
    ASSERT_OK(stack_->Start(settings_));
  }
  std::cout << "drained in " << absl::FormatDuration(longest) << " at most" << std::endl;
  ExpectEverythingAccountedFor(*stack_, load, {stack_->SandboxRecord()});
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.attempts WHERE outcome = 3"), "0");
}

TEST_F(KillTest, AKillInTheMiddleOfADrainLosesNothing) {
  Load load(*stack_, {.callers = 6, .emails_per_call = 10, .seed = Seed()});
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(load.AwaitProgress(kPatience)) << stack_->process().Stderr();
    absl::SleepFor(Moment(0, 300));
    stack_->process().Signal(SIGTERM);
    absl::SleepFor(Moment(0, 100));
    stack_->Kill9();
    ASSERT_OK(stack_->Start(settings_));
  }
  ExpectEverythingAccountedFor(*stack_, load, {stack_->SandboxRecord()});
}

}  // namespace
}  // namespace herald::fault
