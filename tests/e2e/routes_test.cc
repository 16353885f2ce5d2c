// Where mail goes: tenants' own routes, accounts that an operator takes out, and a provider that
// does not recognise a repeated key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/e2e/heraldctl.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

constexpr char kPlain[] = "sandbox-plain";  // of heraldd --dev: without idempotency

class Routes : public ::testing::Test {
 protected:
  const client::Client& Operator() const { return Stack::Shared().operator_client(); }

  // Routes the tenant's lane STANDARD, and waits until the replica follows.
  void RouteTo(const std::string& account) {
    v1::UpdateTenantRouteRequest request;
    request.set_tenant_id(tenant_.id());
    request.mutable_route()->set_lane(v1::LANE_STANDARD);
    request.mutable_route()->add_steps()->set_account(account);
    ASSERT_OK(Operator().UpdateTenantRoute(request));
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (AccountThatTook(SendTo("delivered")) != account) {
      ASSERT_LT(absl::Now(), deadline);
    }
  }
  static void AwaitTrue(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (!condition()) {
      ASSERT_LT(absl::Now(), deadline);
      absl::SleepFor(absl::Milliseconds(25));
    }
  }
  v1::Email SendTo(absl::string_view recipient) const {
    v1::SendEmailRequest request = tenant_.EmailTo(recipient);
    request.set_lane(v1::LANE_STANDARD);
    return tenant_.Send(request);
  }
  std::string AccountThatTook(const v1::Email& email) const {
    tenant_.AwaitEvent(email.id(), v1::EVENT_TYPE_SENT);
    for (const v1::EmailEvent& event : tenant_.Timeline(email.id())) {
      if (event.type() == v1::EVENT_TYPE_SENT) return event.provider_account();
    }
    return "";
  }
  int64_t Count(const v1::Email& email, v1::EventType type) const {
    return absl::c_count_if(tenant_.Timeline(email.id()),
                            [&](const auto& event) { return event.type() == type; });
  }
  static int64_t TimesTaken(const v1::Email& email) {
    const std::string record = Stack::Shared().Read("mail/accepted.log");
    return absl::c_count_if(absl::StrSplit(record, '\n'), [&](absl::string_view line) {
      return line.substr(0, line.find('\t')) == email.id();
    });
  }
  v1::ProviderAccount::State StateOf(const std::string& account) const {
    const auto accounts = Operator().ListProviderAccounts({});
    EXPECT_OK(accounts);
    if (!accounts.ok()) return {};
    for (const v1::ProviderAccount& listed : accounts->accounts()) {
      if (listed.name() == account) return listed.state();
    }
    return {};
  }

  const Tenant tenant_{"routes"};
};

TEST_F(Routes, WithoutIdempotencyAnUnconfirmedEmailIsResolvedByTheWebhookAndNotSentAgain) {
  RouteTo(kPlain);
  const v1::Email sent = SendTo("unconfirmed");
  tenant_.AwaitEvent(sent.id(), v1::EVENT_TYPE_UNCONFIRMED);
  const v1::Email email = tenant_.Await(sent.id(), v1::Email::STATE_DELIVERED);
  EXPECT_EQ(Count(email, v1::EVENT_TYPE_ATTEMPTED), 1);
  EXPECT_EQ(Count(email, v1::EVENT_TYPE_UNCONFIRMED), 1);
  EXPECT_EQ(TimesTaken(email), 1);
}

TEST_F(Routes, MailOfADisabledAccountWaitsUntilItIsEnabled) {
  RouteTo(kPlain);
  v1::DisableProviderAccountRequest disable;
  disable.set_name(kPlain);
  disable.set_reason("test");
  ASSERT_OK(Operator().DisableProviderAccount(disable));
  EXPECT_EQ(StateOf(kPlain), v1::ProviderAccount::STATE_DISABLED);
  AwaitTrue([] {
    return absl::StrContains(Stack::Shared().Metrics(),
                             "herald_account_state{account=\"sandbox-plain\"} 3");
  });
  const v1::Email email = SendTo("delivered");
  // Looked at and put off.
  AwaitTrue([&] {
    const auto put_off = Stack::Shared().Sql(absl::StrCat(
        "SELECT count(*) FROM herald.queue q JOIN herald.emails e USING (tenant_id, email_id) "
        "WHERE e.idempotency_key = '",
        email.idempotency_key(), "' AND q.lease_until IS NULL AND q.run_at > now()"));
    return put_off.ok() && *put_off == "1";
  });
  EXPECT_EQ(Count(email, v1::EVENT_TYPE_ATTEMPTED), 0);

  v1::EnableProviderAccountRequest enable;
  enable.set_name(kPlain);
  ASSERT_OK(Operator().EnableProviderAccount(enable));
  EXPECT_EQ(StateOf(kPlain), v1::ProviderAccount::STATE_CLOSED);
  EXPECT_EQ(AccountThatTook(email), kPlain);
}

TEST_F(Routes, HeraldctlChangesOfARouteWhatItIsGiven) {
  const auto set_route = [this](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--operator-token", Stack::Shared().operator_token(),
                                          "tenant",           "set-route",
                                          tenant_.id(),       "bulk"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = RunHeraldctl(tenant_, arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
  };
  const auto route = [this] {
    v1::ListTenantRoutesRequest request;
    request.set_tenant_id(tenant_.id());
    const auto routes = Operator().ListTenantRoutes(request);
    EXPECT_OK(routes);
    std::string accounts;
    if (!routes.ok()) return accounts;
    for (const v1::TenantRoute& one : routes->routes()) {
      for (const v1::RouteStep& step : one.steps()) absl::StrAppend(&accounts, step.account(), " ");
      absl::StrAppend(&accounts, one.unconfirmed_policy());
    }
    return accounts;
  };
  set_route({kPlain});
  set_route({"--unconfirmed", "resend"});
  EXPECT_EQ(route(), absl::StrCat(kPlain, " ", v1::UNCONFIRMED_POLICY_RESEND));
  set_route({"sandbox"});
  EXPECT_EQ(route(), absl::StrCat("sandbox ", v1::UNCONFIRMED_POLICY_RESEND));
  set_route({"--as-configured"});
  EXPECT_EQ(route(), "");
}

TEST_F(Routes, ARouteToAnAccountThatDoesNotExistIsRefused) {
  v1::UpdateTenantRouteRequest request;
  request.set_tenant_id(tenant_.id());
  request.mutable_route()->set_lane(v1::LANE_BULK);
  request.mutable_route()->add_steps()->set_account("gone");
  const auto refused = Operator().UpdateTenantRoute(request);
  EXPECT_THAT(refused, support::StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(refused.status()), "PROVIDER_ACCOUNT_NOT_FOUND");
}

}  // namespace
}  // namespace herald::e2e
