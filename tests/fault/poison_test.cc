// An email that kills whoever renders it.
#include <gtest/gtest.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "server/delivery/lane_policy.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr int kNeighbours = 30;

class PoisonTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(stack_, Stack::Create()); }

  // Accepts one email that kills whoever renders it, in the midst of others, and lets it.
  void DieOfIt(Settings settings) {
    Settings accepting = settings;
    accepting.roles = "api";  // so that all are claimed together later
    ASSERT_OK(stack_->Start(accepting));
    ASSERT_OK(stack_->Provision());
    ASSERT_NO_FATAL_FAILURE(Accept());
    stack_->Kill9();
    settings.failpoint = "poison:poison";
    for (int crash = 0; crash < delivery::kClaimsMax; ++crash) {
      ASSERT_OK(stack_->Launch(settings));  // it may die before it listens
      ASSERT_EQ(stack_->process().Wait(kPatience), 128 + SIGKILL) << "crash " << crash;
      stack_->EndLeases();
    }
    ASSERT_OK(stack_->Start(settings));
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    EXPECT_EQ(stack_->process().Wait(absl::ZeroDuration()), absl::nullopt) << "it died once more";
  }
  void ExpectNeighboursSent() {
    // 5 SENT, 10 DEAD.
    EXPECT_EQ(stack_->Query("SELECT state, state_reason, template_key, count(*) FROM herald.emails "
                            "GROUP BY 1, 2, 3 ORDER BY 1"),
              absl::StrCat("5||receipt|", kNeighbours, "\n10|poison|poison|1"));
    ExpectAccountedFor(*stack_, input_);
  }

  std::unique_ptr<Stack> stack_;
  AccountingInput input_;

 private:
  void Accept() {
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    v1::CreateTemplateRequest create;
    create.set_key("poison");
    create.mutable_content()->set_subject("Poison");
    create.mutable_content()->set_html("<p>Poison</p>");
    ASSERT_OK(client.CreateTemplate(create));
    for (int i = 0; i <= kNeighbours; ++i) {
      v1::SendEmailRequest email = EmailOf(i);
      if (i == kNeighbours / 2) email.mutable_template_()->set_key("poison");
      const std::string key = absl::StrCat("order:", i);
      ASSERT_OK_AND_ASSIGN(const client::SendResult sent,
                           client.SendEmail(*client::IdempotencyKey::Create(key), email));
      input_.acknowledged[{stack_->tenants()[0].id, key}] = {sent.email.id(), i};
    }
  }
};

TEST_F(PoisonTest, IsQuarantinedAfterThreeCrashesAndItsNeighboursAreDelivered) {
  ASSERT_NO_FATAL_FAILURE(DieOfIt({}));
  input_.records = {stack_->SandboxRecord()};
  ExpectNeighboursSent();
}

// While the provider thinks, many are in flight at each crash.
TEST_F(PoisonTest, TakesNoneAlongOfThoseThatASlowProviderHolds) {
  testing::TempDirectory directory;
  input_.records = {directory.path() + "/taken"};
  testing::ResendEmulator provider({.ground_truth = input_.records[0], .fault = [](int) {
                                      testing::ResendFault slow;
                                      slow.delay = absl::Milliseconds(500);
                                      return slow;
                                    }});
  Settings settings;
  settings.accounts = {{"provider", provider.url()}};
  settings.route = "provider";
  settings.provider_timeout = absl::Seconds(5);
  settings.lease = absl::Seconds(30);
  ASSERT_NO_FATAL_FAILURE(DieOfIt(settings));
  ExpectNeighboursSent();
}

}  // namespace
}  // namespace herald::fault
