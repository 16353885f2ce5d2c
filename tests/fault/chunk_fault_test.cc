// Chunks under the faults that single emails are tested with: heraldd dies at each named point of a
// delivery, and the provider takes a batch whose answer gets lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  explicit ChunkFaultTest(std::string account_options = "")
      : options_(std::move(account_options)) {}

  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    settings_.accounts = {{"first", provider_.url(), options_}};
    settings_.route = "first";
    // Of those that answer, none is too slow.
    settings_.provider_timeout = absl::Seconds(10);
    settings_.lease = absl::Seconds(20);
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
  // Every email once, each under its own key.
  void ExpectEachOnce() const {
    std::set<std::string> emails, keys;
    for (const AcceptedLine& line : ReadGroundTruth(record_)) {
      EXPECT_TRUE(emails.insert(line.email_id).second) << line.email_id << " was taken twice";
      keys.insert(line.idempotency_key);
    }
    EXPECT_EQ(emails.size(), size_t{kEmails});
    EXPECT_EQ(keys.size(), size_t{kEmails});
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

  // Kills heraldd at a point of its first delivery and lets its leases end.
  void SendAndDieAt(const std::string& failpoint) {
    stack_->Kill9();
    Settings deadly = settings_;
    deadly.failpoint = failpoint;
    ASSERT_OK(stack_->Start(deadly));
    const client::Client impatient = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
    const auto send = [&] { return impatient.SendEmails(Emails()).status(); };
    ASSERT_TRUE(stack_->DiesOf(send)) << stack_->process().Stderr();
    stack_->EndLeases();
  }

  const std::string options_;
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
  SendAndDieAt(GetParam().name);
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.chunk_attempts"),
            GetParam().attempt_on_record ? "1" : "0");

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

// At an account that takes an email a request.
class SingleRequestChunkTest : public ChunkFaultTest {
 protected:
  SingleRequestChunkTest() : ChunkFaultTest("batch: false") {}
  std::string LoneAttempts() const { return stack_->Query("SELECT count(*) FROM herald.attempts"); }
};

class SingleRequestCrashPointTest : public SingleRequestChunkTest,
                                    public ::testing::WithParamInterface<CrashPoint> {};

INSTANTIATE_TEST_SUITE_P(Points, SingleRequestCrashPointTest,
                         ::testing::Values(CrashPoint{"after_claim", false},
                                           CrashPoint{"after_begin_commit", true},
                                           CrashPoint{"after_handover_sent", true},
                                           CrashPoint{"after_response", true},
                                           CrashPoint{"before_record", true}),
                         [](const auto& info) { return info.param.name; });

TEST_P(SingleRequestCrashPointTest, IdenticalMembersAreReplayedUnderTheirKeysAndDeliveredOnce) {
  SendAndDieAt(GetParam().name);
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.chunk_attempts WHERE request_key = ''"),
            GetParam().attempt_on_record ? "1" : "0");
  ASSERT_OK(stack_->Start(settings_));
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  ExpectEachOnce();
  EXPECT_EQ(Outcomes(), GetParam().attempt_on_record ? "3 1" : "1");
  EXPECT_EQ(LoneAttempts(), "0");
  ExpectAllSentAndAccountedFor();
}

TEST_F(SingleRequestChunkTest, AMemberThatWasTakenAndCutIsRepeatedAloneUnderItsKey) {
  ResendFault cut;
  cut.kind = ResendFault::Kind::kAcceptThenClose;
  provider_.Script(cut);
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  EXPECT_EQ(provider_.requests(), kEmails + 1);
  ExpectEachOnce();
  EXPECT_EQ(Outcomes(), "1");
  EXPECT_EQ(LoneAttempts(), "1");
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.email_attempts WHERE outcome = 3"), "1");
  ExpectAllSentAndAccountedFor();
}

TEST_F(SingleRequestChunkTest, WhatAThrottledAccountWasNotSentGoesAgainFreeOfCharge) {
  ResendFault busy;
  busy.kind = ResendFault::Kind::kError;
  busy.status = 429;
  busy.name = "rate_limit_exceeded";
  for (int i = 0; i < kEmails; ++i) provider_.Script(busy);
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  ExpectEachOnce();
  EXPECT_EQ(LoneAttempts(), "0");
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.chunk_attempts WHERE outcome NOT IN (1, 2)"),
            "0");
  ExpectAllSentAndAccountedFor();
}

TEST_F(SingleRequestChunkTest, OneRefusedMemberFailsAndTheOthersAreSent) {
  ResendFault refusal;
  refusal.kind = ResendFault::Kind::kError;
  refusal.status = 422;
  refusal.name = "invalid_parameter";
  provider_.Script(refusal);
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  EXPECT_EQ(provider_.requests(), kEmails);
  EXPECT_EQ(stack_->Query("SELECT state, count(*) FROM herald.emails GROUP BY state ORDER BY 1"),
            absl::StrCat("5|", kEmails - 1, "\n9|1"));
  const Accounting accounting = Reconcile(*stack_, {acknowledged_, {record_}, true});
  EXPECT_TRUE(accounting.violations.empty()) << accounting.Text();
}

// A provider without idempotency: the sandbox, told to take a repeated key for another email.
class ForgetfulProviderTest : public SingleRequestChunkTest,
                              public ::testing::WithParamInterface<CrashPoint> {
 protected:
  ForgetfulProviderTest() {
    forgetful_.accounts = {{"sandbox", "", "batch: false, idempotency: false"}};
  }
  Settings forgetful_;
};

INSTANTIATE_TEST_SUITE_P(Points, ForgetfulProviderTest,
                         ::testing::Values(CrashPoint{"after_begin_commit", true},
                                           CrashPoint{"after_response", true},
                                           CrashPoint{"before_record", true}),
                         [](const auto& info) { return info.param.name; });

// Nobody knows who was taken, so nobody is handed over again: the policy of BULK holds them back.
TEST_P(ForgetfulProviderTest, AfterACrashNobodyOfABegunChunkIsHandedOverAgain) {
  settings_ = forgetful_;
  SendAndDieAt(GetParam().name);
  ASSERT_OK(stack_->Start(settings_));
  SendAll();
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  const std::string record = stack_->SandboxRecord();
  const size_t taken = ReadGroundTruth(record).size();
  if (GetParam().name == "after_begin_commit") {
    EXPECT_EQ(taken, 0u);
  } else if (GetParam().name == "before_record") {
    EXPECT_EQ(taken, size_t{kEmails});
  }
  EXPECT_LE(taken, size_t{kEmails});
  EXPECT_EQ(stack_->Query("SELECT state_reason, count(*) FROM herald.emails GROUP BY 1"),
            absl::StrCat("outcome_unknown|", kEmails));
  const Accounting accounting = Reconcile(*stack_, {acknowledged_, {record}, false});
  for (const std::string& line : accounting.lines) std::cout << line << "\n";
  EXPECT_TRUE(accounting.violations.empty()) << accounting.Text();
}

}  // namespace
}  // namespace herald::fault
