// Two replicas, one of which stands still for longer than its leases last.
#include <gtest/gtest.h>

#include <csignal>

#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

TEST(ReplicasTest, AReplicaFrozenPastItsLeasesChangesNothingWhenItWakes) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  // Not the sandbox, whose record is a locked file: a replica may be frozen while it holds the
  // lock.
  const testing::TempDirectory directory;
  const std::string record = directory.path() + "/accepted";
  const testing::ResendEmulator provider({.ground_truth = record});
  Settings settings;
  settings.accounts = {{"first", provider.url()}};
  settings.route = "first";
  ASSERT_OK(stack->Start(settings));
  ASSERT_OK(stack->Provision());
  ASSERT_OK_AND_ASSIGN(const Replica other, stack->StartReplica(settings));
  support::ChildProcess* const replica = other.process.get();
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  absl::SleepFor(absl::Seconds(1));  // both are busy
  const std::string leased = "SELECT count(*) > 0 FROM herald.queue WHERE lease_until IS NOT NULL";
  replica->Signal(SIGSTOP);
  EXPECT_EQ(stack->Query(leased), "t");
  EXPECT_TRUE(load.Finish(kPatience)) << "the other one goes on taking emails";
  // Its leases end and are taken over; what it had in flight is asked about under the same key.
  EXPECT_TRUE(AwaitQuiescence(*stack, kPatience)) << stack->process().Stderr();
  const std::string before =
      stack->Query("SELECT count(*), sum(state), max(update_time) FROM herald.emails");
  replica->Signal(SIGCONT);
  replica->Signal(SIGTERM);
  EXPECT_EQ(replica->Wait(kPatience), 0) << replica->Stderr();
  EXPECT_EQ(stack->Query("SELECT count(*), sum(state), max(update_time) FROM herald.emails"),
            before);
  ExpectEverythingAccountedFor(*stack, load, {record});
}

}  // namespace
}  // namespace herald::fault
