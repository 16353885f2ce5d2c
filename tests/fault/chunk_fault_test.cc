// Chunks under the faults that single emails are tested with: heraldd dies at each named point of a
// delivery, and the provider takes a batch whose answer gets lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <ostream>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using testing::AcceptedLine;
using testing::ReadGroundTruth;
using testing::ResendEmulator;
using testing::ResendFault;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr int kEmails = 5;

class ChunkFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    settings_.accounts = {{"first", provider_.url()}};
    settings_.route = "first";
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
  }

  static std::vector<client::KeyedEmail> Emails() {
    std::vector<client::KeyedEmail> emails;
    for (int i = 1; i <= kEmails; ++i) {
      v1::SendEmailRequest email = EmailOf(i, v1::LANE_BULK);
      // No template, so that none waits for it while the others are committed.
      email.mutable_inline_()->set_subject(absl::StrCat("Order ", i));
      email.mutable_inline_()->set_text("It is on its way.");
      email.clear_variables();
      emails.push_back({*client::IdempotencyKey::Create(absl::StrCat("order:", i)), email});
    }
    return emails;
  }

  // Sends the emails of one chunk, or learns what became of them.
  void SendAll() {
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    const auto sent = client.SendEmails(Emails());
    ASSERT_OK(sent);
    for (int i = 1; i <= kEmails; ++i) {
      const auto& result = (*sent)[static_cast<size_t>(i - 1)];
      ASSERT_OK(result);
      acknowledged_[{stack_->tenants()[0].id, absl::StrCat("order:", i)}] = {result->email.id(), i};
    }
  }

  // Every email once, all in one batch under one key.
  void ExpectOneBatch() const {
    const std::vector<AcceptedLine> taken = ReadGroundTruth(record_);
    std::set<std::string> emails, keys;
    for (const AcceptedLine& line : taken) {
      emails.insert(line.email_id);
      keys.insert(line.idempotency_key);
    }
    EXPECT_EQ(taken.size(), size_t{kEmails});
    EXPECT_EQ(emails.size(), size_t{kEmails});
    EXPECT_EQ(keys.size(), 1u);
  }
  void ExpectAllSentAndAccountedFor() const {
    EXPECT_EQ(stack_->Query("SELECT state, count(*) FROM herald.emails GROUP BY state"),
              absl::StrCat("5|", kEmails));
    fault::ExpectAccountedFor(*stack_, {acknowledged_, {record_}, true});
    EXPECT_EQ(stack_->ForbiddenMoves(), "");
  }
  std::string Outcomes() const {
    return stack_->Query(
        "SELECT string_agg(outcome::text, ' ' ORDER BY attempt) FROM herald.chunk_attempts");
  }

  testing::TempDirectory directory_;
  const std::string record_ = directory_.path() + "/accepted";
  ResendEmulator provider_{{.ground_truth = record_}};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

struct CrashPoint {
  std::string name;
  bool attempt_on_record;
};
void PrintTo(const CrashPoint& point, std::ostream* out) { *out << point.name; }

class ChunkCrashPointTest : public ChunkFaultTest,
                            public ::testing::WithParamInterface<CrashPoint> {};

INSTANTIATE_TEST_SUITE_P(Points, ChunkCrashPointTest,
                         ::testing::Values(CrashPoint{"after_claim", false},
                                           CrashPoint{"after_begin_commit", true},
                                           CrashPoint{"after_handover_sent", true},
                                           CrashPoint{"after_response", true},
                                           CrashPoint{"before_record", true}),
                         [](const auto& info) { return info.param.name; });

// Outcomes: 1 accepted, 3 unconfirmed.
TEST_P(ChunkCrashPointTest, AProviderThatKnowsTheKeyDeliversTheChunkExactlyOnce) {
  stack_->Kill9();
  Settings deadly = settings_;
  deadly.failpoint = GetParam().name;
  ASSERT_OK(stack_->Start(deadly));
  const client::Client impatient = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
  impatient.SendEmails(Emails()).status().IgnoreError();  // the answer may be lost with the process
  ASSERT_EQ(stack_->process().Wait(kPatience), 128 + SIGKILL) << stack_->process().Stderr();
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.chunk_attempts"),
            GetParam().attempt_on_record ? "1" : "0");
  stack_->EndLeases();

  ASSERT_OK(stack_->Start(settings_));
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  ExpectOneBatch();
  EXPECT_EQ(Outcomes(), GetParam().attempt_on_record ? "3 1" : "1");
  ExpectAllSentAndAccountedFor();
}

TEST_F(ChunkFaultTest, ABatchThatWasTakenAndCutIsRepeatedIdenticallyAndDeliveredOnce) {
  ResendFault cut;
  cut.kind = ResendFault::Kind::kAcceptThenClose;
  provider_.Script(cut);
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  EXPECT_EQ(provider_.requests(), 2);
  ExpectOneBatch();
  EXPECT_EQ(stack_->Query("SELECT count(DISTINCT request_key) FROM herald.chunk_attempts"), "1");
  EXPECT_EQ(Outcomes(), "3 1");
  ExpectAllSentAndAccountedFor();
}

TEST_F(ChunkFaultTest, ARefusedBatchGoesAgainWholeAndIsDeliveredOnce) {
  ResendFault busy;
  busy.kind = ResendFault::Kind::kError;
  busy.status = 429;
  busy.name = "rate_limit_exceeded";
  provider_.Script(busy);
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  EXPECT_EQ(provider_.requests(), 2);
  ExpectOneBatch();
  EXPECT_EQ(Outcomes(), "2 1");
  ExpectAllSentAndAccountedFor();
}

TEST_F(ChunkFaultTest, ABatchRefusedForItsContentGoesEmailByEmail) {
  ResendFault refusal;
  refusal.kind = ResendFault::Kind::kError;
  refusal.status = 422;
  refusal.name = "missing_required_field";
  provider_.Script(refusal);
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  EXPECT_EQ(provider_.requests(), 1 + kEmails);
  EXPECT_EQ(ReadGroundTruth(record_).size(), size_t{kEmails});
  ExpectAllSentAndAccountedFor();
}

}  // namespace
}  // namespace herald::fault
