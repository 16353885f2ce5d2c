// The links of one replica to the database fall silent: open, and nothing passes (T26). Nothing
// waits for a notification, so what could be missed is a poll.
#include <gtest/gtest.h>

#include <csignal>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"

namespace herald::fault {
namespace {

constexpr int kEmails = 40;
// The longest pause between two looks at the queue (server/delivery/lane_worker.cc).
constexpr double kPollSeconds = 0.5;
// A link on which nothing comes back is cut after 30 s (storage/postgres/connection_pool.h).
constexpr absl::Duration kReplaced = absl::Seconds(45);

class SilentLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    Settings accepting;
    accepting.roles = "api";  // in a process of its own, so that it wakes no delivery
    ASSERT_OK(stack_->Start(accepting));
    ASSERT_OK(stack_->Provision());
    ASSERT_OK_AND_ASSIGN(gate_, support::TcpGate::Start(stack_->cluster().port()));
    Settings delivering;
    delivering.roles = "delivery,duties";
    ASSERT_OK_AND_ASSIGN(healthy_, stack_->StartReplica(delivering));
    delivering.database_dsn = stack_->cluster().TcpDsn(stack_->database(), gate_->port());
    ASSERT_OK_AND_ASSIGN(silent_, stack_->StartReplica(delivering));
  }

  // One at a time, so that each is claimed by a look of its own. All are sent when it returns.
  void SendSlowly(const std::string& phase) {
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    for (int i = 0; i < kEmails; ++i) {
      const std::string key = absl::StrCat(phase, ":", i);
      ASSERT_OK_AND_ASSIGN(const client::SendResult sent,
                           client.SendEmail(*client::IdempotencyKey::Create(key), EmailOf(i)));
      acknowledged_[{stack_->tenants()[0].id, key}] = {sent.email.id(), i};
      absl::SleepFor(absl::Milliseconds(50));
    }
    ASSERT_TRUE(AwaitQuiescence(*stack_, absl::Seconds(30))) << healthy_.process->Stderr();
  }
  // Seconds from acceptance to hand-over, of 9 in 10.
  double LatencyIn(const std::string& phase) const {
    double seconds = -1;
    const std::string answer = stack_->Query(absl::StrCat(
        "SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM a.begin_time - "
        "e.create_time)) FROM herald.emails e JOIN herald.attempts a USING (tenant_id, email_id) "
        "WHERE e.idempotency_key LIKE '",
        phase, ":%'"));
    return absl::SimpleAtod(answer, &seconds) ? seconds : -1;
  }

  std::unique_ptr<Stack> stack_;
  std::unique_ptr<support::TcpGate> gate_;
  Replica healthy_;
  Replica silent_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

TEST_F(SilentLinkTest, ASilentLinkDelaysNoDispatchBeyondAPollAndIsReplaced) {
  SendSlowly("before");
  gate_->SilenceAll();
  const absl::Time silenced = absl::Now();
  const int links = gate_->accepted();
  SendSlowly("silent");
  const double before = LatencyIn("before");
  const double during = LatencyIn("silent");
  std::cout << "dispatched in " << before << " s before, " << during << " s with silent links\n";
  EXPECT_LE(during, before + kPollSeconds);

  // From here on the one that had fallen silent is alone, and so it has to have new links.
  healthy_.process->Signal(SIGTERM);
  EXPECT_EQ(healthy_.process->Wait(absl::Seconds(20)), 0);
  SendSlowly("alone");
  const absl::Duration took = absl::Now() - silenced;
  std::cout << "replaced within " << absl::FormatDuration(took) << std::endl;
  EXPECT_LE(took, kReplaced);
  EXPECT_GT(gate_->accepted(), links);
  ExpectAccountedFor(*stack_, {acknowledged_, {stack_->SandboxRecord()}, /*idempotent=*/true});
}

}  // namespace
}  // namespace herald::fault
