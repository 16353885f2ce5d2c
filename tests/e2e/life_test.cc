// Life of an email: what each simulated recipient makes of it, from SendEmail to its last state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Name(const v1::EmailEvent& event) {
  return v1::EventType_Name(event.type()).substr(sizeof("EVENT_TYPE_") - 1);
}

// The two halves of a timeline, each in its order: what Herald did, and what the provider reported.
// The provider's clock is coarser than ours, so how they interleave says nothing.
struct Halves {
  std::vector<std::string> herald;
  std::vector<std::string> provider;
};

Halves HalvesOf(const std::vector<v1::EmailEvent>& timeline) {
  Halves halves;
  for (const v1::EmailEvent& event : timeline) {
    const bool reported = event.type() >= v1::EVENT_TYPE_PROVIDER_ACCEPTED;
    (reported ? halves.provider : halves.herald).push_back(Name(event));
  }
  return halves;
}

// The lines of the sandbox's record of what it accepted, for an email.
int64_t TimesTaken(const std::string& email_id) {
  const std::string record = Stack::Shared().Read("mail/accepted.log");
  return absl::c_count_if(absl::StrSplit(record, '\n'), [&](absl::string_view line) {
    return line.substr(0, line.find('\t')) == email_id;
  });
}

class LifeOfAnEmail : public ::testing::Test {
 protected:
  std::string Mail(const v1::Email& email) const {
    return Stack::Shared().Read(absl::StrCat("mail/", tenant_.id(), "/", email.id(), ".eml"));
  }
  Halves HalvesOf(const v1::Email& email) const {
    return e2e::HalvesOf(tenant_.Timeline(email.id()));
  }
  // Waits for the last event that the provider reports, then for the state.
  v1::Email AwaitEnd(const v1::Email& email, v1::EventType last, v1::Email::State state) {
    tenant_.AwaitEvent(email.id(), last);
    // Whose record may come after its evidence.
    tenant_.AwaitEvent(email.id(), v1::EVENT_TYPE_SENT);
    return tenant_.Await(email.id(), state);
  }

  const Tenant tenant_{"life"};
};

TEST_F(LifeOfAnEmail, FromATemplateToDeliveredWithBothPartsRendered) {
  v1::CreateTemplateRequest create;
  create.set_key("welcome");
  create.mutable_content()->set_subject("Welcome, {{name}}");
  create.mutable_content()->set_html("<p>Hello <b>{{name}}</b></p>");
  create.mutable_content()->set_text("Hello {{name}}");
  ASSERT_OK(tenant_.api().CreateTemplate(create));

  v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  request.mutable_template_()->set_key("welcome");
  (*request.mutable_variables()->mutable_fields())["name"].set_string_value("Ada & Co");
  const v1::Email accepted = tenant_.Send(request);
  EXPECT_THAT(accepted.state(), AnyOf(v1::Email::STATE_QUEUED, v1::Email::STATE_SENDING));
  EXPECT_EQ(accepted.template_().version(), 1);
  EXPECT_EQ(accepted.lane(), v1::LANE_TRANSACTIONAL);
  EXPECT_EQ(accepted.recipient().email(), "d***@sandbox.herald.test");

  const v1::Email email = AwaitEnd(accepted, v1::EVENT_TYPE_DELIVERED, v1::Email::STATE_DELIVERED);
  EXPECT_EQ(email.attempt_count(), 1);
  EXPECT_EQ(email.provider_account(), "sandbox");
  EXPECT_NE(email.provider_message_id(), "");
  EXPECT_EQ(email.state_reason(), "");
  const Halves halves = HalvesOf(email);
  EXPECT_THAT(halves.herald, ElementsAre("ACCEPTED", "ATTEMPTED", "SENT"));
  EXPECT_THAT(halves.provider, ElementsAre("PROVIDER_ACCEPTED", "DELIVERED"));
  EXPECT_EQ(TimesTaken(email.id()), 1);
  const std::string mail = Mail(email);
  EXPECT_THAT(mail, HasSubstr("Subject: Welcome, Ada & Co"));
  EXPECT_THAT(mail, HasSubstr("Hello Ada & Co"));
  EXPECT_THAT(mail, HasSubstr("<p>Hello <b>Ada &amp; Co</b></p>"));
}

TEST_F(LifeOfAnEmail, AHardBounceSuppressesTheAddress) {
  const v1::Email email =
      AwaitEnd(tenant_.SendTo("bounced"), v1::EVENT_TYPE_BOUNCED, v1::Email::STATE_BOUNCED);
  EXPECT_EQ(email.state_reason(), "hard_bounce");
  const Halves halves = HalvesOf(email);
  EXPECT_THAT(halves.herald, ElementsAre("ACCEPTED", "ATTEMPTED", "SENT"));
  EXPECT_THAT(halves.provider, ElementsAre("PROVIDER_ACCEPTED", "BOUNCED"));
  EXPECT_EQ(tenant_.Timeline(email.id()).back().bounce_class(), v1::BOUNCE_CLASS_HARD);

  const v1::Email next = tenant_.SendTo("bounced");
  EXPECT_EQ(next.state(), v1::Email::STATE_SUPPRESSED);
  EXPECT_EQ(next.state_reason(), "hard_bounce");
  EXPECT_THAT(HalvesOf(next).herald, ElementsAre("ACCEPTED", "SUPPRESSED"));
  EXPECT_EQ(TimesTaken(next.id()), 0);
}

TEST_F(LifeOfAnEmail, AComplaintSuppressesTheAddress) {
  const v1::Email email = AwaitEnd(tenant_.SendTo("complained"), v1::EVENT_TYPE_COMPLAINED,
                                   v1::Email::STATE_COMPLAINED);
  EXPECT_EQ(email.state_reason(), "complaint");
  EXPECT_THAT(HalvesOf(email).provider,
              ElementsAre("PROVIDER_ACCEPTED", "DELIVERED", "COMPLAINED"));
  const v1::Email next = tenant_.SendTo("complained");
  EXPECT_EQ(next.state(), v1::Email::STATE_SUPPRESSED);
  EXPECT_EQ(next.state_reason(), "complaint");
}

TEST_F(LifeOfAnEmail, ASuppressionIsTheTenantsOwnAndKnowsEverySpelling) {
  AwaitEnd(tenant_.SendTo("bounced"), v1::EVENT_TYPE_BOUNCED, v1::Email::STATE_BOUNCED);
  EXPECT_EQ(tenant_.SendTo("bounced@SANDBOX.Herald.Test").state(), v1::Email::STATE_SUPPRESSED);
  EXPECT_NE(Tenant("neighbour").SendTo("bounced").state(), v1::Email::STATE_SUPPRESSED);
}

TEST_F(LifeOfAnEmail, ASuppressionStopsWhatWasAcceptedBeforeIt) {
  v1::SendEmailRequest later = tenant_.EmailTo("bounced");
  *later.mutable_send_time() = Timestamp(absl::Now() + absl::Seconds(4));
  const v1::Email waiting = tenant_.Send(later);
  EXPECT_EQ(waiting.state(), v1::Email::STATE_SCHEDULED);
  AwaitEnd(tenant_.SendTo("bounced"), v1::EVENT_TYPE_BOUNCED, v1::Email::STATE_BOUNCED);
  EXPECT_EQ(tenant_.Await(waiting.id(), v1::Email::STATE_SUPPRESSED).state_reason(), "hard_bounce");
  EXPECT_THAT(HalvesOf(waiting).herald, ElementsAre("ACCEPTED", "SCHEDULED", "SUPPRESSED"));
  EXPECT_EQ(TimesTaken(waiting.id()), 0);
  const auto counted = [] {
    return absl::StrContains(
        Stack::Shared().Metrics(),
        "herald_emails_finished_total{lane=\"transactional\",state=\"suppressed\"} 1");
  };
  const absl::Time deadline = absl::Now() + absl::Seconds(10);  // a duty counts every second
  while (!counted() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(50));
  EXPECT_TRUE(counted());
}

TEST_F(LifeOfAnEmail, ASoftBounceLeavesTheAddressUsable) {
  const v1::Email email =
      AwaitEnd(tenant_.SendTo("softbounced"), v1::EVENT_TYPE_BOUNCED, v1::Email::STATE_BOUNCED);
  EXPECT_EQ(email.state_reason(), "soft_bounce");
  EXPECT_EQ(tenant_.Timeline(email.id()).back().bounce_class(), v1::BOUNCE_CLASS_SOFT);
  EXPECT_NE(tenant_.SendTo("softbounced").state(), v1::Email::STATE_SUPPRESSED);
}

TEST_F(LifeOfAnEmail, ADelayedOneIsDeferredThenDelivered) {
  const v1::Email email =
      AwaitEnd(tenant_.SendTo("delayed"), v1::EVENT_TYPE_DELIVERED, v1::Email::STATE_DELIVERED);
  const Halves halves = HalvesOf(email);
  EXPECT_THAT(halves.herald, ElementsAre("ACCEPTED", "ATTEMPTED", "SENT"));
  EXPECT_THAT(halves.provider, ElementsAre("PROVIDER_ACCEPTED", "DEFERRED", "DELIVERED"));
}

TEST_F(LifeOfAnEmail, OneThatTheProviderSuppressedIsBounced) {
  const v1::Email email =
      AwaitEnd(tenant_.SendTo("suppressed"), v1::EVENT_TYPE_REJECTED, v1::Email::STATE_BOUNCED);
  EXPECT_EQ(email.state_reason(), "provider_rejected");
  EXPECT_THAT(HalvesOf(email).provider, ElementsAre("REJECTED"));
}

TEST_F(LifeOfAnEmail, ARejectedOneFailsAtOnceAndIsNotTriedAgain) {
  const v1::Email email = tenant_.Await(tenant_.SendTo("rejected").id(), v1::Email::STATE_FAILED);
  EXPECT_EQ(email.state_reason(), "validation_error");
  EXPECT_EQ(email.attempt_count(), 1);
  const Halves halves = HalvesOf(email);
  EXPECT_THAT(halves.herald, ElementsAre("ACCEPTED", "ATTEMPTED", "FAILED"));
  EXPECT_THAT(halves.provider, IsEmpty());
  EXPECT_EQ(TimesTaken(email.id()), 0);
}

TEST_F(LifeOfAnEmail, ARefusedOneIsRetriedUntilItIsTaken) {
  const v1::Email email =
      AwaitEnd(tenant_.SendTo("retry"), v1::EVENT_TYPE_DELIVERED, v1::Email::STATE_DELIVERED);
  EXPECT_EQ(email.attempt_count(), 3);
  const std::vector<v1::EmailEvent> timeline = tenant_.Timeline(email.id());
  EXPECT_THAT(e2e::HalvesOf(timeline).herald,
              ElementsAre("ACCEPTED", "ATTEMPTED", "RETRYING", "ATTEMPTED", "RETRYING", "ATTEMPTED",
                          "SENT"));
  for (const v1::EmailEvent& event : timeline) {
    if (event.type() != v1::EVENT_TYPE_RETRYING) continue;
    EXPECT_EQ(event.reason(), "service_unavailable");
    EXPECT_TRUE(event.has_retry_time());
  }
  EXPECT_EQ(TimesTaken(email.id()), 1);
}

TEST_F(LifeOfAnEmail, WhileTheProviderIsDownItWaitsAndMayBeCancelled) {
  const v1::Email accepted = tenant_.SendTo("down");
  tenant_.AwaitEvent(accepted.id(), v1::EVENT_TYPE_RETRYING);
  const v1::Email waiting = tenant_.Get(accepted.id());
  EXPECT_THAT(waiting.state(), AnyOf(v1::Email::STATE_QUEUED, v1::Email::STATE_SENDING));
  EXPECT_EQ(waiting.state_reason(), "daily_quota_exceeded");
  v1::CancelEmailRequest cancel;
  cancel.set_id(accepted.id());
  absl::StatusOr<v1::Email> cancelled = tenant_.api().CancelEmail(cancel);
  // A hand-over may be under way at this moment.
  while (absl::IsFailedPrecondition(cancelled.status())) {
    cancelled = tenant_.api().CancelEmail(cancel);
  }
  ASSERT_OK(cancelled);
  EXPECT_EQ(cancelled->state(), v1::Email::STATE_CANCELLED);
  EXPECT_EQ(HalvesOf(*cancelled).herald.back(), "CANCELLED");
  EXPECT_EQ(TimesTaken(accepted.id()), 0);
}

// The first answer gets lost. Whether the provider's report or the repetition under the same key
// comes first, the message is taken once.
TEST_F(LifeOfAnEmail, OneOfUnknownOutcomeIsDeliveredOnce) {
  const v1::Email accepted = tenant_.SendTo("unconfirmed");
  tenant_.AwaitEvent(accepted.id(), v1::EVENT_TYPE_DELIVERED);
  const v1::Email email = tenant_.Await(accepted.id(), v1::Email::STATE_DELIVERED);
  EXPECT_EQ(TimesTaken(email.id()), 1);
  const std::vector<std::string> herald = HalvesOf(email).herald;
  ASSERT_GE(herald.size(), 2u);
  EXPECT_EQ(herald[0], "ACCEPTED");
  EXPECT_EQ(herald[1], "ATTEMPTED");
  // No second hand-over without the first having been recorded as unconfirmed.
  EXPECT_LE(absl::c_count(herald, "ATTEMPTED"), 1 + absl::c_count(herald, "UNCONFIRMED"));
}

TEST_F(LifeOfAnEmail, EveryAcceptedEmailIsInExactlyOneState) {
  std::vector<std::string> accepted;
  for (const char* recipient : {"delivered", "delivered", "bounced", "rejected", "down"}) {
    accepted.push_back(tenant_.SendTo(recipient).id());
  }
  tenant_.Await(accepted[2], v1::Email::STATE_BOUNCED);
  accepted.push_back(tenant_.SendTo("bounced").id());
  tenant_.Await(accepted[0], v1::Email::STATE_DELIVERED);
  tenant_.Await(accepted[1], v1::Email::STATE_DELIVERED);
  tenant_.Await(accepted[3], v1::Email::STATE_FAILED);

  std::map<std::string, int> listed;
  for (int state = v1::Email::STATE_SCHEDULED; state <= v1::Email::STATE_EXPIRED; ++state) {
    v1::ListEmailsRequest request;
    request.mutable_filter()->add_states(static_cast<v1::Email::State>(state));
    ASSERT_OK_AND_ASSIGN(const auto page, tenant_.api().ListEmails(request));
    // down@ moves between QUEUED and SENDING while we look.
    for (const v1::Email& email : page.emails()) {
      if (email.id() != accepted[4]) ++listed[email.id()];
    }
  }
  listed[accepted[4]] = 1;
  EXPECT_EQ(listed.size(), accepted.size());
  for (const std::string& id : accepted) EXPECT_EQ(listed[id], 1) << id;
}

}  // namespace
}  // namespace herald::e2e
