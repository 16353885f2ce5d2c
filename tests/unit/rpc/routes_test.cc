// Provider accounts and tenants' routes.
#include <gmock/gmock.h>

#include "herald/v1/tenant_service.grpc.pb.h"
#include "model/ids.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

using ::testing::ElementsAre;

class RoutesTest : public ServerFixture {
 protected:
  RoutesTest() {
    EXPECT_TRUE(accounts_.Register({"main", "other"}).ok());
    Start();
    stub_ = v1::TenantService::NewStub(channel_);
  }
  grpc::Status Disable(const std::string& name, const std::string& reason,
                       v1::ProviderAccount& account) {
    v1::DisableProviderAccountRequest request;
    request.set_name(name);
    request.set_reason(reason);
    return stub_->DisableProviderAccount(As(kOperatorToken).get(), request, &account);
  }
  grpc::Status Update(const v1::TenantRoute& route, v1::TenantRoute& updated) {
    v1::UpdateTenantRouteRequest request;
    request.set_tenant_id(FormatTenantId(tenant_));
    *request.mutable_route() = route;
    return stub_->UpdateTenantRoute(As(kOperatorToken).get(), request, &updated);
  }
  std::unique_ptr<v1::TenantService::Stub> stub_;
};

TEST_F(RoutesTest, ListsAccountsWithTheirHealth) {
  storage::AccountHealth& main = accounts_.accounts.at("main");
  main.breaker.state = storage::BreakerState::kOpen;
  main.breaker.reason = "daily_quota_exceeded";
  main.breaker.until = accounts_.now + absl::Minutes(1);
  main.window = {100, 25};
  v1::ListProviderAccountsResponse response;
  ASSERT_TRUE(stub_->ListProviderAccounts(As(kOperatorToken).get(), {}, &response).ok());
  ASSERT_EQ(response.accounts_size(), 2);
  const v1::ProviderAccount& account = response.accounts(0);
  EXPECT_EQ(account.name(), "main");
  EXPECT_EQ(account.state(), v1::ProviderAccount::STATE_OPEN);
  EXPECT_EQ(account.reason(), "daily_quota_exceeded");
  EXPECT_TRUE(account.has_probe_time());
  EXPECT_EQ(account.calls(), 100);
  EXPECT_EQ(account.failures(), 25);
  EXPECT_EQ(account.error_rate(), 0.25);
  EXPECT_EQ(account.latency_average().nanos(), 40'000'000);
  EXPECT_EQ(account.latency_p95().nanos(), 50'000'000);
  EXPECT_EQ(response.accounts(1).state(), v1::ProviderAccount::STATE_CLOSED);
  EXPECT_FALSE(response.accounts(1).has_latency_p95());
}

TEST_F(RoutesTest, ADisabledAccountSaysByWhomAndWhyAndIsAudited) {
  v1::ProviderAccount account;
  ASSERT_TRUE(Disable("main", "invoice unpaid", account).ok());
  EXPECT_EQ(account.state(), v1::ProviderAccount::STATE_DISABLED);
  EXPECT_EQ(account.reason(), "invoice unpaid");
  EXPECT_EQ(account.disabled_by(), "operator");
  ASSERT_EQ(accounts_.audits.size(), 1u);
  EXPECT_EQ(accounts_.audits[0].action, "herald.v1.TenantService/DisableProviderAccount");
  EXPECT_EQ(accounts_.audits[0].target, "main");

  v1::EnableProviderAccountRequest enable;
  enable.set_name("main");
  ASSERT_TRUE(stub_->EnableProviderAccount(As(kOperatorToken).get(), enable, &account).ok());
  EXPECT_EQ(account.state(), v1::ProviderAccount::STATE_CLOSED);
  EXPECT_EQ(accounts_.audits.back().action, "herald.v1.TenantService/EnableProviderAccount");
}

TEST_F(RoutesTest, DisablingNeedsAnAccountAndAReason) {
  v1::ProviderAccount account;
  EXPECT_THAT(Fields(Disable("no such name!", "", account)), ElementsAre("name", "reason"));
  const grpc::Status unknown = Disable("gone", "why not", account);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Reason(unknown), "PROVIDER_ACCOUNT_NOT_FOUND");
}

TEST_F(RoutesTest, ATenantsRouteIsShownAsItWasSet) {
  v1::TenantRoute route;
  route.set_lane(v1::LANE_BULK);
  route.add_steps()->set_account("main");
  v1::RouteStep& second = *route.add_steps();
  second.set_account("other");
  second.set_order(1);
  second.set_cost(3);
  second.set_weight(5);
  route.set_unconfirmed_policy(v1::UNCONFIRMED_POLICY_RESEND);
  v1::TenantRoute updated;
  ASSERT_TRUE(Update(route, updated).ok());
  EXPECT_EQ(updated.steps(0).order(), 1);
  EXPECT_EQ(updated.steps(0).weight(), 1);
  EXPECT_EQ(updated.steps(1).order(), 1);
  EXPECT_EQ(updated.steps(1).cost(), 3);

  v1::ListTenantRoutesRequest request;
  request.set_tenant_id(FormatTenantId(tenant_));
  v1::ListTenantRoutesResponse response;
  ASSERT_TRUE(stub_->ListTenantRoutes(As(kOperatorToken).get(), request, &response).ok());
  ASSERT_EQ(response.routes_size(), 1);
  EXPECT_EQ(response.routes(0).SerializeAsString(), updated.SerializeAsString());
}

TEST_F(RoutesTest, NamesEveryBadFieldOfARoute) {
  v1::TenantRoute route;
  route.add_steps()->set_account("main");
  route.add_steps()->set_account("main");
  route.mutable_steps(1)->set_weight(-1);
  route.add_steps();
  v1::TenantRoute updated;
  EXPECT_THAT(Fields(Update(route, updated)),
              ElementsAre("route.lane", "route.steps[1]", "route.steps[1].account",
                          "route.steps[2].account"));
}

TEST_F(RoutesTest, AreForOperatorsOnly) {
  v1::ListProviderAccountsResponse response;
  const grpc::Status status = stub_->ListProviderAccounts(As(token_).get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Reason(status), "OPERATOR_ONLY");
}

}  // namespace
}  // namespace herald::rpc
