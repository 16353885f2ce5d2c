// Tokens and tenants: what each may do, and how soon it may no longer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;

// Promised are 2 seconds; the rest is for a slow machine.
constexpr absl::Duration kEffective = absl::Seconds(4);

class Access : public ::testing::Test {
 protected:
  client::Client ClientWith(const v1::CreateApiTokenResponse& token) const {
    return Stack::Shared().ClientWith(token.secret());
  }
  // The first error of calls repeated for as long as a change may take to be seen.
  absl::Status FirstError(const client::Client& api) const {
    absl::Status status;
    for (const absl::Time deadline = absl::Now() + kEffective;
         status.ok() && absl::Now() < deadline; absl::SleepFor(absl::Milliseconds(20))) {
      status = api.ListEmails({}).status();
    }
    return status;
  }
  void SetState(v1::Tenant::State state) const {
    v1::UpdateTenantRequest request;
    request.set_id(tenant_.id());
    request.set_state(state);
    ASSERT_OK(Stack::Shared().operator_client().UpdateTenant(request));
  }

  const Tenant tenant_{"access"};
};

TEST_F(Access, ARestrictedTokenReachesOnlyItsRecipients) {
  const client::Client api = ClientWith(tenant_.CreateToken(
      v1::ApiToken::MODE_RESTRICTED, {"delivered@sandbox.herald.test", "@staff.herald.test"}));
  EXPECT_OK(api.SendEmail(NewKey(), tenant_.EmailTo("delivered")));
  EXPECT_OK(api.SendEmail(NewKey(), tenant_.EmailTo("grace@staff.herald.test")));
  for (const char* other : {"retry", "grace@herald.test", "grace@sub.staff.herald.test"}) {
    const auto refused = api.SendEmail(NewKey(), tenant_.EmailTo(other));
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied)) << other;
    EXPECT_EQ(ReasonOf(refused.status()), "RECIPIENT_NOT_ALLOWED") << other;
  }
}

TEST_F(Access, ATestTokensMailGoesToTheSandboxAndSaysSo) {
  const client::Client api = ClientWith(tenant_.CreateToken(v1::ApiToken::MODE_TEST));
  ASSERT_OK_AND_ASSIGN(const auto sent, api.SendEmail(NewKey(), tenant_.EmailTo("delivered")));
  EXPECT_TRUE(sent.email.test());
  const v1::Email email = tenant_.Await(sent.email.id(), v1::Email::STATE_DELIVERED);
  EXPECT_TRUE(email.test());
  EXPECT_EQ(email.provider_account(), "sandbox");
  EXPECT_FALSE(tenant_.SendTo("delivered").test());
}

TEST_F(Access, AScopeThatATokenLacksIsNamed) {
  const client::Client reader =
      ClientWith(tenant_.CreateToken(v1::ApiToken::MODE_LIVE, {}, {v1::ApiToken::SCOPE_READ}));
  EXPECT_OK(reader.ListEmails({}));
  const auto refused = reader.SendEmail(NewKey(), tenant_.EmailTo("delivered"));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kPermissionDenied));
  const auto details = client::ExtractErrorDetails(refused.status());
  EXPECT_EQ(details.reason, "SCOPE_MISSING");
  EXPECT_EQ(details.metadata.at("scopes"), "SEND");
}

TEST_F(Access, ARevokedTokenStopsWorkingWithinSeconds) {
  const auto token = tenant_.CreateToken(v1::ApiToken::MODE_LIVE);
  const client::Client api = ClientWith(token);
  ASSERT_OK(api.ListEmails({}));
  v1::RevokeApiTokenRequest revoke;
  revoke.set_tenant_id(tenant_.id());
  revoke.set_id(token.api_token().id());
  ASSERT_OK(Stack::Shared().operator_client().RevokeApiToken(revoke));
  const absl::Status status = FirstError(api);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(ReasonOf(status), "TOKEN_INVALID");
  EXPECT_OK(tenant_.api().ListEmails({}));  // the tenant's other token
}

TEST_F(Access, ARevokedTokenEndsItsWatchWithinSeconds) {
  const auto token = tenant_.CreateToken(v1::ApiToken::MODE_LIVE);
  const client::Client api = ClientWith(token);
  absl::Time revoked = absl::InfiniteFuture();
  // The first message comes at once; the next one only as a sign of life.
  const absl::Status status = api.WatchEmailEvents({}, [&](const auto&) {
    if (revoked < absl::InfiniteFuture()) return false;
    v1::RevokeApiTokenRequest revoke;
    revoke.set_tenant_id(tenant_.id());
    revoke.set_id(token.api_token().id());
    EXPECT_OK(Stack::Shared().operator_client().RevokeApiToken(revoke));
    revoked = absl::Now();
    return true;
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(ReasonOf(status), "TOKEN_INVALID");
}

TEST_F(Access, ASuspendedTenantIsRefusedWhileItsMailStillFlows) {
  v1::SendEmailRequest later = tenant_.EmailTo("delivered");
  *later.mutable_send_time() = Timestamp(absl::Now() + absl::Seconds(3));
  const v1::Email accepted = tenant_.Send(later);
  SetState(v1::Tenant::STATE_SUSPENDED);
  const absl::Status status = FirstError(tenant_.api());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(ReasonOf(status), "TENANT_SUSPENDED");

  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  absl::StatusOr<std::string> sent = "";
  while (*sent != "t" && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
    sent = Stack::Shared().Sql(absl::StrCat(
        "SELECT bool_and(state IN (5, 6)) FROM herald.emails e JOIN herald.tenants t USING "
        "(tenant_id) WHERE t.slug = '",
        tenant_.slug(), "'"));
    ASSERT_OK(sent);
  }
  SetState(v1::Tenant::STATE_ACTIVE);
  const absl::Time back = absl::Now() + kEffective;
  while (!tenant_.api().ListEmails({}).ok() && absl::Now() < back) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  tenant_.Await(accepted.id(), v1::Email::STATE_DELIVERED);
}

TEST_F(Access, ASenderDomainCountsOnceItIsAllowed) {
  v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  request.mutable_from()->set_email("hello@new.herald.test");
  const auto refused = tenant_.api().SendEmail(NewKey(), request);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(refused.status()), "SENDER_NOT_ALLOWED");
  v1::UpdateTenantRequest update;
  update.set_id(tenant_.id());
  update.set_replace_sender_domains(true);
  update.add_allowed_sender_domains("new.herald.test");
  ASSERT_OK(Stack::Shared().operator_client().UpdateTenant(update));
  absl::Status status = refused.status();
  for (const absl::Time deadline = absl::Now() + kEffective; !status.ok() && absl::Now() < deadline;
       absl::SleepFor(absl::Milliseconds(20))) {
    status = tenant_.api().SendEmail(NewKey(), request).status();
  }
  EXPECT_OK(status);
}

}  // namespace
}  // namespace herald::e2e
