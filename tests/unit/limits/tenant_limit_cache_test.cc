#include "server/limits/tenant_limit_cache.h"

#include <gtest/gtest.h>

#include "tests/unit/rpc/fakes/fake_tenant_store.h"

namespace herald::limits {
namespace {

TEST(TenantLimitCache, KnowsAfterARefreshWhatWasSet) {
  rpc::FakeTenantStore store;
  storage::Tenant tenant;
  tenant.slug = "shop";
  storage::TenantLimits limits;
  limits.tenant = store.CreateTenant(tenant, {})->id;
  limits.send = {5, 1};
  TenantLimitCache cache(&store);
  ASSERT_TRUE(cache.Refresh().ok());
  EXPECT_EQ(cache.Find(limits.tenant), nullptr);
  ASSERT_TRUE(store.SetTenantLimits(limits, {}).ok());
  ASSERT_TRUE(cache.Refresh().ok());
  ASSERT_NE(cache.Find(limits.tenant), nullptr);
  EXPECT_EQ(cache.Find(limits.tenant)->send.per_second, 5);
  EXPECT_EQ(cache.Find(TenantId{99}), nullptr);
}

}  // namespace
}  // namespace herald::limits
