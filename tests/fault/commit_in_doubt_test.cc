// The link to the database breaks between a COMMIT and its reply: the email is durable, and heraldd
// does not know it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"

namespace herald::fault {
namespace {

using support::StatusIs;
using support::TcpGate;

// The end of a parameterised statement (Sync) and a COMMIT (Query), as libpq sends them.
const absl::string_view kAcceptanceCommit("S\0\0\0\4Q\0\0\0\013COMMIT\0", 17);

// Only the acceptance of emails says this: caches that are refreshed meanwhile read and COMMIT,
// too.
constexpr char kAcceptance[] = "herald.insert_emails_";

class CommitInDoubtTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK_AND_ASSIGN(gate_, TcpGate::Start(stack_->cluster().port()));
    Settings settings;
    settings.database_dsn = stack_->cluster().TcpDsn(stack_->database(), gate_->port());
    settings.roles = "api";
    settings.acceptance_connections = 1;
    ASSERT_OK(stack_->Start(settings));
    ASSERT_OK(stack_->Provision());
    // Warms the caches and the one connection that accepts.
    ASSERT_OK_AND_ASSIGN(const client::SendResult sent, Send("warm-up", 0));
    Acknowledge("warm-up", sent);
  }

  absl::StatusOr<client::SendResult> Send(const std::string& key, int content) {
    return stack_->ConnectWithoutRetries(stack_->tenants()[0])
        .SendEmail(*client::IdempotencyKey::Create(key), EmailOf(content));
  }

  void LoseTheNextReply() {
    gate_->CutWhenSeen(TcpGate::Direction::kFromClient, kAcceptanceCommit,
                       TcpGate::CutPoint::kAtReply, kAcceptance);
  }
  // Of the database; what is connected stays.
  void AllowConnections(bool allowed) {
    ASSERT_OK(stack_->cluster().Psql(
        "postgres", absl::StrCat("ALTER DATABASE ", stack_->database(), " ALLOW_CONNECTIONS ",
                                 allowed ? "true" : "false")));
  }
  void Acknowledge(const std::string& key, const client::SendResult& sent) {
    input_.acknowledged[{stack_->tenants()[0].id, key}] = {sent.email.id(), 0};
  }
  // Nobody delivers here: what was acknowledged waits.
  void ExpectAllAccountedFor() {
    input_.unfinished = true;
    ExpectAccountedFor(*stack_, input_);
  }
  std::string EmailsWith(const std::string& key) {
    return stack_->Query(
        absl::StrCat("SELECT count(*) FROM herald.emails WHERE idempotency_key = '", key, "'"));
  }

  std::unique_ptr<Stack> stack_;
  std::unique_ptr<TcpGate> gate_;
  AccountingInput input_;
};

TEST_F(CommitInDoubtTest, FindsItsEmailByTheKeyAndAnswersAsIfNothingHadHappened) {
  LoseTheNextReply();
  ASSERT_OK_AND_ASSIGN(const client::SendResult sent, Send("order:1", 1));
  ASSERT_TRUE(gate_->WaitForCut(absl::ZeroDuration())) << "nothing was lost";
  EXPECT_FALSE(sent.replayed);
  EXPECT_EQ(EmailsWith("order:1"), "1");
  ASSERT_OK_AND_ASSIGN(const client::SendResult again, Send("order:1", 1));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.email.id(), sent.email.id());
  EXPECT_THAT(Send("order:1", 2), StatusIs(absl::StatusCode::kAlreadyExists));
  Acknowledge("order:1", sent);
  ExpectAllAccountedFor();
}

TEST_F(CommitInDoubtTest, SaysUnavailableWhenItCannotFindOutAndTheCallersRepetitionFindsTheEmail) {
  AllowConnections(false);
  LoseTheNextReply();
  const absl::StatusOr<client::SendResult> unknown = Send("order:1", 1);
  ASSERT_TRUE(gate_->WaitForCut(absl::ZeroDuration())) << "nothing was lost";
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kUnavailable));
  const client::ErrorDetails details = client::ExtractErrorDetails(unknown.status());
  EXPECT_EQ(details.reason, "STORAGE_UNAVAILABLE");
  EXPECT_TRUE(details.retry_delay.has_value());

  AllowConnections(true);
  const client::Client patient = stack_->Connect(stack_->tenants()[0]);
  const auto key = *client::IdempotencyKey::Create("order:1");
  ASSERT_OK_AND_ASSIGN(const client::SendResult sent, patient.SendEmail(key, EmailOf(1)));
  EXPECT_TRUE(sent.replayed) << "the COMMIT whose reply was lost had taken effect";
  EXPECT_EQ(EmailsWith("order:1"), "1");
  EXPECT_THAT(Send("order:1", 2), StatusIs(absl::StatusCode::kAlreadyExists));
  Acknowledge("order:1", sent);
  ExpectAllAccountedFor();
}

TEST_F(CommitInDoubtTest, TwentyLostRepliesUnderABatchMakeNoEmailTwice) {
  const client::Client client = stack_->Connect(stack_->tenants()[0]);
  for (int round = 0; round < 20; ++round) {
    LoseTheNextReply();
    std::vector<client::KeyedEmail> emails;
    for (int i = 0; i < 10; ++i) {
      const std::string key = absl::StrCat("order:", round, "-", i);
      emails.push_back({*client::IdempotencyKey::Create(key), EmailOf(i)});
    }
    ASSERT_OK_AND_ASSIGN(const auto results, client.SendEmails(emails));
    ASSERT_TRUE(gate_->WaitForCut(absl::ZeroDuration())) << "nothing was lost";
    ASSERT_OK_AND_ASSIGN(const auto again, client.SendEmails(emails));
    for (size_t i = 0; i < emails.size(); ++i) {
      ASSERT_OK(results[i]) << stack_->process().Stderr();
      ASSERT_OK(again[i]);
      EXPECT_TRUE(again[i]->replayed);
      EXPECT_EQ(again[i]->email.id(), results[i]->email.id());
      Acknowledge(emails[i].key.value(), *results[i]);
    }
  }
  EXPECT_EQ(stack_->Query("SELECT count(*), count(DISTINCT idempotency_key) FROM herald.emails"),
            "201|201");
  ExpectAllAccountedFor();
}

}  // namespace
}  // namespace herald::fault
