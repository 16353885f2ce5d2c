// heraldd dies at each named point of a delivery (server/delivery/failpoint.h). How often the
// provider took the email, and what is on record about it, is known exactly at each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;
using testing::ReadGroundTruth;
using testing::ResendEmulator;

constexpr absl::Duration kPatience = absl::Seconds(20);

struct CrashPoint {
  std::string name;
  bool attempt_on_record;  // so that its outcome is unknown
  // How often the first provider has taken the email when the process is dead.
  int taken_least;
  int taken_most;
};

// Names the case in a report, instead of its bytes.
void PrintTo(const CrashPoint& point, std::ostream* out) { *out << point.name; }

const CrashPoint kPoints[] = {
    {"after_claim", false, 0, 0},        {"after_begin_commit", true, 0, 0},
    {"after_handover_sent", true, 0, 1},  // the bytes may or may not have left the machine
    {"after_response", true, 1, 1},      {"before_record", true, 1, 1},
};

class CrashPointTest : public ::testing::TestWithParam<CrashPoint> {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    settings_.accounts = {{"first", first_.url()}};
    settings_.route = "first";
    // Of those that answer, none is too slow.
    settings_.provider_timeout = absl::Seconds(10);
    settings_.lease = absl::Seconds(20);
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
  }

  // Sends one email through a heraldd that dies at the point, and starts it again as `after` says.
  // The dead process's lease ends at once.
  void SendAndDie(v1::Lane lane, const Settings& after) {
    stack_->Kill9();
    Settings deadly = settings_;
    deadly.failpoint = GetParam().name;
    ASSERT_OK(stack_->Start(deadly));
    // The answer may be lost with the process.
    const auto key = *client::IdempotencyKey::Create("order:1");
    const client::Client impatient = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
    absl::StatusOr<client::SendResult> lost;
    const auto send = [&] {
      lost = impatient.SendEmail(key, EmailOf(1, lane));
      return lost.status();
    };
    ASSERT_TRUE(stack_->DiesOf(send)) << stack_->process().Stderr();
    EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.attempts"),
              GetParam().attempt_on_record ? "1" : "0");
    stack_->EndLeases();
    ASSERT_OK(stack_->Start(after));
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    ASSERT_OK_AND_ASSIGN(const client::SendResult sent, client.SendEmail(key, EmailOf(1, lane)));
    EXPECT_TRUE(sent.replayed) << "it was delivered, so it was durable";
    if (lost.ok()) {
      EXPECT_EQ(lost->email.id(), sent.email.id());
    }
    id_ = sent.email.id();
    acknowledged_[{stack_->tenants()[0].id, "order:1"}] = {id_, 1};
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  }

  int TakenBy(const std::string& record) const {
    return static_cast<int>(ReadGroundTruth(record).size());
  }
  void ExpectAccountedFor(bool idempotent) {
    fault::ExpectAccountedFor(*stack_,
                              {acknowledged_, {first_record_, second_record_}, idempotent});
  }
  // "state|state_reason", then the outcomes of the attempts in their order.
  std::string Email() const {
    return stack_->Query("SELECT state, state_reason FROM herald.emails");
  }
  std::string Outcomes() const {
    return stack_->Query(
        "SELECT string_agg(outcome::text, ' ' ORDER BY attempt) "
        "FROM herald.attempts");
  }
  // Routes to another provider, and knows nothing of the first any more: nobody recognises a
  // repetition.
  Settings WithoutTheFirstProvider() const {
    Settings settings = settings_;
    settings.accounts = {{"second", second_.url()}};
    settings.route = "second";
    return settings;
  }

  testing::TempDirectory directory_;
  const std::string first_record_ = directory_.path() + "/first";
  const std::string second_record_ = directory_.path() + "/second";
  ResendEmulator first_{{.ground_truth = first_record_}};
  ResendEmulator second_{{.ground_truth = second_record_}};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  std::string id_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

INSTANTIATE_TEST_SUITE_P(Points, CrashPointTest, ::testing::ValuesIn(kPoints),
                         [](const auto& info) { return info.param.name; });

// Outcomes: 1 accepted, 3 unconfirmed. States: 5 SENT, 9 FAILED.

TEST_P(CrashPointTest, AProviderThatKnowsTheKeyDeliversExactlyOnce) {
  SendAndDie(v1::LANE_TRANSACTIONAL, settings_);
  EXPECT_EQ(TakenBy(first_record_), 1);
  EXPECT_EQ(Email(), "5|");
  EXPECT_EQ(Outcomes(), GetParam().attempt_on_record ? "3 1" : "1");
  ExpectAccountedFor(/*idempotent=*/true);
}

TEST_P(CrashPointTest, WhoeverCannotAskAgainSendsAOneTimePasswordOnceMore) {
  SendAndDie(v1::LANE_CRITICAL, WithoutTheFirstProvider());
  EXPECT_THAT(TakenBy(first_record_), AllOf(Ge(GetParam().taken_least), Le(GetParam().taken_most)));
  EXPECT_EQ(TakenBy(second_record_), 1);
  EXPECT_EQ(Email(), "5|");
  EXPECT_EQ(Outcomes(), GetParam().attempt_on_record ? "3 1" : "1");
  ExpectAccountedFor(/*idempotent=*/false);
}

TEST_P(CrashPointTest, WhoeverCannotAskAgainHoldsEveryOtherEmailBack) {
  SendAndDie(v1::LANE_BULK, WithoutTheFirstProvider());
  EXPECT_THAT(TakenBy(first_record_), AllOf(Ge(GetParam().taken_least), Le(GetParam().taken_most)));
  if (GetParam().attempt_on_record) {
    EXPECT_EQ(TakenBy(second_record_), 0);
    EXPECT_EQ(Email(), "9|outcome_unknown");
    EXPECT_EQ(Outcomes(), "3");
  } else {
    EXPECT_EQ(TakenBy(second_record_), 1) << "it was certainly never handed over";
    EXPECT_EQ(Email(), "5|");
  }
  ExpectAccountedFor(/*idempotent=*/false);
}

}  // namespace
}  // namespace herald::fault
