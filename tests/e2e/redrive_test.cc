// Emails that used up their hand-overs, and how an operator puts them back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;

class Redrive : public ::testing::Test {
 protected:
  // An email to retry@ whose first refusal is the last that it is allowed: the hand-overs before it
  // are skipped past in the database, since the waits between them add up to hours.
  v1::Email DeadEmail() {
    v1::SendEmailRequest request = tenant_.EmailTo("retry");
    *request.mutable_send_time() = Timestamp(absl::Now() + absl::Hours(1));
    const v1::Email email = tenant_.Send(request);
    const auto skipped = Stack::Shared().Sql(
        absl::StrCat("UPDATE herald.queue q SET attempts = 11, run_at = now() FROM herald.emails e "
                     "WHERE e.tenant_id = q.tenant_id AND e.email_id = q.email_id "
                     "AND e.idempotency_key = '",
                     email.idempotency_key(), "' RETURNING 1"));
    EXPECT_THAT(skipped, support::IsOkAndHolds("1"));
    const v1::Email dead = tenant_.Await(email.id(), v1::Email::STATE_DEAD);
    EXPECT_EQ(dead.state_reason(), "retries_exhausted");
    return dead;
  }
  int64_t Count(const std::string& id, v1::EventType type) const {
    return absl::c_count_if(tenant_.Timeline(id),
                            [&](const auto& event) { return event.type() == type; });
  }
  // What comes after the redrive is a retry, not death at the first refusal.
  void ExpectFreshBudget(const std::string& id, int64_t retries_before) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (Count(id, v1::EVENT_TYPE_RETRYING) == retries_before && absl::Now() < deadline) {
      ASSERT_NE(tenant_.Get(id).state(), v1::Email::STATE_DEAD);
      absl::SleepFor(absl::Milliseconds(25));
    }
    EXPECT_GT(Count(id, v1::EVENT_TYPE_RETRYING), retries_before);
    EXPECT_EQ(Count(id, v1::EVENT_TYPE_DEAD), 1);
    EXPECT_EQ(Count(id, v1::EVENT_TYPE_REDRIVEN), 1);
  }

  const Tenant tenant_{"redrive"};
};

TEST_F(Redrive, PutsADeadEmailBackWithAFreshBudgetAndIsAudited) {
  const v1::Email dead = DeadEmail();
  const int64_t retries = Count(dead.id(), v1::EVENT_TYPE_RETRYING);
  v1::RedriveEmailRequest request;
  request.set_id(dead.id());
  ASSERT_OK_AND_ASSIGN(const v1::Email redriven, tenant_.api().RedriveEmail(request));
  EXPECT_EQ(redriven.state(), v1::Email::STATE_QUEUED);
  ExpectFreshBudget(dead.id(), retries);

  v1::ListAuditEntriesRequest audit;
  audit.set_tenant_id(tenant_.id());
  ASSERT_OK_AND_ASSIGN(const auto entries,
                       Stack::Shared().operator_client().ListAuditEntries(audit));
  ASSERT_GE(entries.entries_size(), 1);
  EXPECT_EQ(entries.entries(0).action(), "herald.v1.EmailService/RedriveEmail");
  EXPECT_EQ(entries.entries(0).target(), dead.id());
}

TEST_F(Redrive, PutsAllThatMatchBack) {
  const v1::Email dead = DeadEmail();
  const int64_t retries = Count(dead.id(), v1::EVENT_TYPE_RETRYING);
  v1::RedriveEmailsRequest request;
  request.mutable_filter()->set_recipient_email("retry@sandbox.herald.test");
  ASSERT_OK_AND_ASSIGN(const auto response, tenant_.api().RedriveEmails(request));
  EXPECT_EQ(response.redriven_count(), 1);
  ExpectFreshBudget(dead.id(), retries);
}

TEST_F(Redrive, IsRefusedForAnEmailThatIsNotDead) {
  const v1::Email email = tenant_.SendTo("delivered");
  tenant_.Await(email.id(), v1::Email::STATE_DELIVERED);
  v1::RedriveEmailRequest request;
  request.set_id(email.id());
  const auto refused = tenant_.api().RedriveEmail(request);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(refused.status()), "EMAIL_NOT_DEAD");
}

}  // namespace
}  // namespace herald::e2e
