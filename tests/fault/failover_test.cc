// Providers that fail, two replicas, and the routes around them (T13, T14).
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/backlog.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/ground_truth.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using testing::ResendEmulator;
using testing::ResendEmulatorOptions;
using testing::ResendFault;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kOpensWithin = absl::Seconds(2);

// A Resend account that can be made to fail.
class Provider {
 public:
  enum class Mode { kHealthy, kHalfBroken, kDown };

  explicit Provider(const std::string& record) {
    ResendEmulatorOptions options;
    options.ground_truth = record;
    options.fault = [this](int number) { return FaultOf(number); };
    emulator_ = std::make_unique<ResendEmulator>(options);
  }
  void Set(Mode mode) { mode_ = mode; }
  int requests() const { return emulator_->requests(); }
  int accepted() const { return emulator_->accepted(); }
  std::string url() const { return emulator_->url(); }

 private:
  // Healthy it rejects each 25th for good; half broken, half of the calls fail and 5 % hang.
  ResendFault FaultOf(int number) const {
    ResendFault fault;
    switch (mode_.load()) {
      case Mode::kHealthy:
        if (number % 25 != 24) return fault;
        fault.kind = ResendFault::Kind::kError;
        fault.status = 422;
        fault.name = "invalid_parameter";
        return fault;
      case Mode::kHalfBroken:
        fault.kind = number % 2 == 0    ? ResendFault::Kind::kError
                     : number % 20 == 1 ? ResendFault::Kind::kAcceptThenHang
                                        : ResendFault::Kind::kNone;
        return fault;
      case Mode::kDown:
        fault.kind = ResendFault::Kind::kError;
        fault.status = 503;
        fault.name = "service_unavailable";
        return fault;
    }
    return fault;
  }

  std::atomic<Mode> mode_{Mode::kHealthy};
  std::unique_ptr<ResendEmulator> emulator_;
};

class FailoverFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    settings_.accounts = {{"resend-a", a_.url()}, {"resend-b", b_.url()}};
    settings_.route = "[resend-a, resend-b]";
    settings_.breaker = "{open_base: 1s, open_cap: 2s}";
    // Longer than the test: else policy would send a second copy by the other account.
    settings_.evidence_wait = absl::Minutes(5);
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
    Settings delivering = settings_;
    delivering.roles = "delivery,duties";
    ASSERT_OK_AND_ASSIGN(replica_, stack_->StartReplica(delivering));
  }
  std::vector<support::ChildProcess*> Replicas() const {
    return {&stack_->process(), replica_.process.get()};
  }

  static void AwaitTrue(const char* what, const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (!condition()) {
      ASSERT_LT(absl::Now(), deadline) << what;
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  // Whether a replica knows, of its own or from the other, that the account is in that state now.
  static bool Knows(const support::ChildProcess& replica, absl::string_view account,
                    absl::string_view state) {
    std::string last;
    for (const std::string& line : replica.Lines()) {
      if (!absl::StrContains(line, "\"account_breaker\"") &&
          !absl::StrContains(line, "\"account_followed\"")) {
        continue;
      }
      if (absl::StrContains(line, absl::StrCat("\"", account, "\""))) last = line;
    }
    return absl::StrContains(last, absl::StrCat("\"", state, "\""));
  }
  bool AllKnow(absl::string_view account, absl::string_view state) const {
    for (const support::ChildProcess* replica : Replicas()) {
      if (!Knows(*replica, account, state)) return false;
    }
    return true;
  }

  testing::TempDirectory directory_;
  const std::string record_a_ = directory_.path() + "/a.log";
  const std::string record_b_ = directory_.path() + "/b.log";
  Provider a_{record_a_};
  Provider b_{record_b_};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  Replica replica_;
};

TEST_F(FailoverFaultTest, ABadAccountIsOutOnEveryReplicaAndMailFlowsAroundIt) {
  Load load(*stack_, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  AwaitTrue("mail flows through A", [&] { return a_.accepted() > 100; });
  EXPECT_EQ(b_.accepted(), 0);

  a_.Set(Provider::Mode::kHalfBroken);
  const absl::Time broken = absl::Now();
  AwaitTrue("A is out on both", [&] { return AllKnow("resend-a", "open"); });
  const absl::Duration took = absl::Now() - broken;
  std::cout << "open on both replicas after " << absl::FormatDuration(took) << std::endl;
  EXPECT_LT(took, kOpensWithin);
  const int before = b_.accepted();
  AwaitTrue("mail flows through B", [&] { return b_.accepted() > before + 100; });

  a_.Set(Provider::Mode::kHealthy);
  AwaitTrue("A is back on both", [&] { return AllKnow("resend-a", "closed"); });
  const int back = a_.accepted();
  AwaitTrue("mail flows through A again", [&] { return a_.accepted() > back + 100; });

  ExpectEverythingAccountedFor(*stack_, load, {record_a_, record_b_});
  // Failover happened, and only where it may.
  EXPECT_NE(stack_->Query("SELECT count(*) FROM herald.attempts f JOIN herald.attempts n "
                          "USING (tenant_id, email_id) WHERE f.outcome = 2 "
                          "AND n.attempt = f.attempt + 1 AND n.account <> f.account"),
            "0");
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.attempts f JOIN herald.attempts n "
                          "USING (tenant_id, email_id) WHERE f.outcome IN (3, 4) "
                          "AND n.attempt > f.attempt AND n.account <> f.account"),
            "0");
  EXPECT_NE(stack_->Query("SELECT count(*) FROM herald.attempts WHERE outcome = 4"), "0");
}

TEST_F(FailoverFaultTest, WithAllAccountsDownMailWaitsAndIsSentOnceOneIsBack) {
  a_.Set(Provider::Mode::kDown);
  b_.Set(Provider::Mode::kDown);
  Load load(*stack_, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  AwaitTrue("both are out on both",
            [&] { return AllKnow("resend-a", "open") && AllKnow("resend-b", "open"); });
  AwaitTrue("much waits", [&] { return load.acknowledged_count() > 500; });
  ASSERT_TRUE(load.Finish(kPatience));
  AwaitTrue("what was admitted before that is over", [&] {
    return stack_->Query("SELECT count(*) FROM herald.email_attempts WHERE outcome IS NULL") == "0";
  });
  const int before = a_.requests() + b_.requests();
  const absl::Time since = absl::Now();
  absl::SleepFor(absl::Seconds(5));  // the outage's own time
  const int asked = a_.requests() + b_.requests() - before;
  std::cout << asked << " requests in " << absl::FormatDuration(absl::Now() - since)
            << " of outage, " << load.acknowledged_count() << " emails waiting" << std::endl;
  EXPECT_LT(asked, 50) << "a probe now and then, not a retry of everything";

  b_.Set(Provider::Mode::kHealthy);
  ExpectEverythingAccountedFor(*stack_, load, {record_a_, record_b_});
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.emails WHERE state = 10"), "0");
  EXPECT_EQ(a_.accepted(), 0);
}

// Looking at all that waits, again and again, is what makes an outage of one provider the
// database's as well.
TEST_F(FailoverFaultTest, WithAllAccountsDisabledTheBacklogIsLeftAlone) {
  constexpr int kReplicas = 2, kFirstClaim = 100, kScoutsASecond = 4 * 25;  // see ClosedRoutes
  const client::Client operators = stack_->ConnectAsOperator();
  for (const Account& account : settings_.accounts) {
    v1::DisableProviderAccountRequest disable;
    disable.set_name(account.name);
    disable.set_reason("test");
    ASSERT_OK(operators.DisableProviderAccount(disable));
  }
  AwaitTrue("both are out on both",
            [&] { return AllKnow("resend-a", "disabled") && AllKnow("resend-b", "disabled"); });
  const absl::Time since = absl::Now();
  BacklogOptions backlog;
  backlog.emails = 5000;
  backlog.lane = v1::LANE_STANDARD;
  backlog.chunked = false;
  AccountingInput input;
  ASSERT_OK_AND_ASSIGN(input.acknowledged, QueueBacklog(*stack_, stack_->tenants()[0], backlog));
  const auto looked_at = [&] {
    return std::stoi(
        stack_->Query("SELECT count(*) FROM herald.emails WHERE state_reason = 'accounts_down'"));
  };
  AwaitTrue("scouts go", [&] { return looked_at() >= 600; });
  const int count = looked_at();
  const absl::Duration took = absl::Now() - since;
  std::cout << count << " of " << backlog.emails << " looked at in " << absl::FormatDuration(took)
            << std::endl;
  EXPECT_LE(count, kReplicas * (kFirstClaim + kScoutsASecond * (absl::ToDoubleSeconds(took) + 1)));

  v1::EnableProviderAccountRequest enable;
  enable.set_name("resend-b");
  ASSERT_OK(operators.EnableProviderAccount(enable));
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience));
  input.records = {record_a_, record_b_};
  ExpectAccountedFor(*stack_, input);
  EXPECT_EQ(a_.requests(), 0);
}

}  // namespace
}  // namespace herald::fault
