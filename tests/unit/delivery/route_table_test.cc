#include "server/delivery/route_table.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/unit/delivery/fake_tenant_route_store.h"

namespace herald::delivery {
namespace {

constexpr TenantId kShop{1};
constexpr TenantId kBank{2};

TEST(RouteTable, OrdersStepsByOrderThenCost) {
  const RouteTable table({{Lane::kBulk, {{"c", 2, 0}, {"b", 1, 7}, {"a", 1, 3}}}}, nullptr);
  const RouteTable::RoutePtr route = table.Find(kShop, Lane::kBulk);
  ASSERT_EQ(route->size(), 3u);
  EXPECT_EQ((*route)[0].account, "a");
  EXPECT_EQ((*route)[1].account, "b");
  EXPECT_EQ((*route)[2].account, "c");
  EXPECT_TRUE(table.Find(kShop, Lane::kCritical)->empty());
}

TEST(RouteTable, ATenantsOwnRouteReplacesTheLanesAndNoOthers) {
  FakeTenantRouteStore store;
  RouteTable table({{Lane::kBulk, {{"main"}}}, {Lane::kCritical, {{"main"}}}}, &store);
  ASSERT_TRUE(store.Put({kShop, Lane::kBulk, {{"own"}}, absl::nullopt}, {}).ok());
  ASSERT_TRUE(table.Refresh().ok());
  EXPECT_EQ(table.Find(kShop, Lane::kBulk)->front().account, "own");
  EXPECT_EQ(table.Find(kShop, Lane::kCritical)->front().account, "main");
  EXPECT_EQ(table.Find(kBank, Lane::kBulk)->front().account, "main");
}

TEST(RouteTable, ATenantsOwnPolicyLeavesItsRouteAlone) {
  FakeTenantRouteStore store;
  RouteTable table({{Lane::kBulk, {{"main"}}}}, &store);
  ASSERT_TRUE(store.Put({kShop, Lane::kBulk, {}, true}, {}).ok());
  ASSERT_TRUE(table.Refresh().ok());
  EXPECT_EQ(table.Find(kShop, Lane::kBulk)->front().account, "main");
  EXPECT_EQ(table.Unconfirmed(kShop, Lane::kBulk), UnconfirmedPolicy::kResend);
  EXPECT_EQ(table.Unconfirmed(kBank, Lane::kBulk), absl::nullopt);
}

TEST(RouteTable, ReadsTheRoutesOnlyWhenTheyChanged) {
  FakeTenantRouteStore store;
  RouteTable table({}, &store);
  ASSERT_TRUE(table.Refresh().ok());
  ASSERT_TRUE(table.Refresh().ok());
  EXPECT_EQ(store.reads, 1);
  ASSERT_TRUE(store.Put({kShop, Lane::kBulk, {{"own"}}, absl::nullopt}, {}).ok());
  ASSERT_TRUE(table.Refresh().ok());
  EXPECT_EQ(store.reads, 2);
}

TEST(RouteTable, KeepsWhatItKnowsWhileTheDatabaseIsAway) {
  FakeTenantRouteStore store;
  RouteTable table({{Lane::kBulk, {{"main"}}}}, &store);
  ASSERT_TRUE(store.Put({kShop, Lane::kBulk, {{"own"}}, absl::nullopt}, {}).ok());
  ASSERT_TRUE(table.Refresh().ok());
  store.status = absl::UnavailableError("away");
  EXPECT_THAT(table.Refresh().status(), support::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(table.Find(kShop, Lane::kBulk)->front().account, "own");
}

}  // namespace
}  // namespace herald::delivery
