// What the queue remembers of an email between its attempts at several accounts.
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using QueueFailoverTest = EmailFixture;

Disposition Elsewhere(std::vector<std::string> tried) {
  Disposition disposition = Retry();
  disposition.tried_accounts = std::move(tried);
  return disposition;
}

TEST_F(QueueFailoverTest, WhoeverClaimsNextKnowsTheAccountsThatFailed) {
  Accept("key");
  Attempt(Outcome::kRetryable, Elsewhere({"resend-main", "ses-eu"}));
  EXPECT_THAT(ClaimOne().tried_accounts, ElementsAre("resend-main", "ses-eu"));
}

TEST_F(QueueFailoverTest, AWaitForgetsThem) {
  Accept("key");
  Attempt(Outcome::kRetryable, Elsewhere({"resend-main"}));
  EndUntried(ClaimOne(), Retry());
  EXPECT_THAT(ClaimOne().tried_accounts, IsEmpty());
}

TEST_F(QueueFailoverTest, CountsAttemptsThatUseUpNoBudget) {
  Accept("key");
  Disposition free = Retry();
  free.free = true;
  Attempt(Outcome::kRetryable, free);
  Attempt(Outcome::kRetryable, Retry());
  Attempt(Outcome::kProviderDown, free);
  const LeasedEmail leased = ClaimOne();
  EXPECT_EQ(leased.attempts, 3);
  EXPECT_EQ(leased.free_attempts, 2);
}

TEST_F(QueueFailoverTest, ARedriveBeginsTheCountAnew) {
  const EmailId id = Accept("key");
  Disposition free = Retry();
  free.free = true;
  Attempt(Outcome::kRetryable, free);
  Attempt(Outcome::kRetryable, Dead());
  ASSERT_EQ(State(id), EmailState::kDead);
  ASSERT_OK(emails_.RedriveEmail(a_, id, absl::Hours(1), "operator"));
  const LeasedEmail leased = ClaimOne();
  EXPECT_EQ(leased.attempts_before_redrive, 2);
  EXPECT_EQ(leased.free_attempts, 0);
}

}  // namespace
}  // namespace herald::storage
