// An email that kills whoever renders it.
#include <gtest/gtest.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr int kNeighbours = 30;
constexpr int kClaimsMax = 3;  // server/main.cc

TEST(PoisonTest, IsQuarantinedAfterThreeCrashesAndItsNeighboursAreDelivered) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  Settings accepting;
  accepting.roles = "api";  // so that all are claimed together later
  ASSERT_OK(stack->Start(accepting));
  ASSERT_OK(stack->Provision());
  const client::Client client = stack->Connect(stack->tenants()[0]);
  v1::CreateTemplateRequest create;
  create.set_key("poison");
  create.mutable_content()->set_subject("Poison");
  create.mutable_content()->set_html("<p>Poison</p>");
  ASSERT_OK(client.CreateTemplate(create));
  AccountingInput input;
  for (int i = 0; i <= kNeighbours; ++i) {
    v1::SendEmailRequest email = EmailOf(i);
    if (i == kNeighbours / 2) email.mutable_template_()->set_key("poison");
    const std::string key = absl::StrCat("order:", i);
    ASSERT_OK_AND_ASSIGN(const client::SendResult sent,
                         client.SendEmail(*client::IdempotencyKey::Create(key), email));
    input.acknowledged[{stack->tenants()[0].id, key}] = {sent.email.id(), i};
  }
  stack->Kill9();

  Settings deadly;
  deadly.failpoint = "poison:poison";
  for (int crash = 0; crash < kClaimsMax; ++crash) {
    ASSERT_OK(stack->Launch(deadly));  // it may die before it listens
    ASSERT_EQ(stack->process().Wait(kPatience), 128 + SIGKILL) << "crash " << crash;
    stack->EndLeases();
  }
  ASSERT_OK(stack->Start(deadly));
  ASSERT_TRUE(AwaitQuiescence(*stack, kPatience)) << stack->process().Stderr();
  EXPECT_EQ(stack->process().Wait(absl::ZeroDuration()), absl::nullopt) << "it died once more";
  // 5 SENT, 10 DEAD.
  EXPECT_EQ(stack->Query("SELECT state, state_reason, template_key, count(*) FROM herald.emails "
                         "GROUP BY 1, 2, 3 ORDER BY 1"),
            absl::StrCat("5||receipt|", kNeighbours, "\n10|poison|poison|1"));
  input.records = {stack->SandboxRecord()};
  ExpectAccountedFor(*stack, input);
}

}  // namespace
}  // namespace herald::fault
