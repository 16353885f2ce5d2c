#include "server/limits/tenant_limit_cache.h"

#include <gtest/gtest.h>

#include "tests/unit/rpc/fakes/fake_tenant_store.h"

namespace herald::limits {
namespace {

class TenantLimitCacheTest : public ::testing::Test {
 protected:
  TenantLimitCacheTest() {
    storage::Tenant tenant;
    tenant.slug = "shop";
    tenant_ = store_.CreateTenant(tenant, {})->id;
  }

  // Sets them when the store's clock shows `now`.
  void Set(double per_second, absl::Time now) {
    storage::TenantLimits limits;
    limits.tenant = tenant_;
    limits.send = {per_second, 1};
    storage::AuditEntry audit;
    audit.create_time = now;
    store_.SetNow(now);
    ASSERT_TRUE(store_.SetTenantLimits(limits, audit).ok());
  }

  const absl::Time start_ = absl::FromUnixSeconds(1'790'000'000);
  rpc::FakeTenantStore store_;
  TenantId tenant_;
  TenantLimitCache cache_{&store_};
};

TEST_F(TenantLimitCacheTest, KnowsAfterARefreshWhatWasSet) {
  ASSERT_TRUE(cache_.Refresh().ok());
  EXPECT_EQ(cache_.Find(tenant_), nullptr);
  Set(5, start_);
  ASSERT_TRUE(cache_.Refresh().ok());
  ASSERT_NE(cache_.Find(tenant_), nullptr);
  EXPECT_EQ(cache_.Find(tenant_)->send.per_second, 5);
  EXPECT_EQ(cache_.Find(TenantId{99}), nullptr);
}

TEST_F(TenantLimitCacheTest, SeesWhatIsSetAfterTheStoresClockWasSetBack) {
  Set(5, start_);
  ASSERT_TRUE(cache_.Refresh().ok());
  Set(7, start_ - absl::Hours(1));
  ASSERT_TRUE(cache_.Refresh().ok());
  EXPECT_EQ(cache_.Find(tenant_)->send.per_second, 7);
}

TEST_F(TenantLimitCacheTest, SeesWhatWasSetByAClockBehindWhileTheStoreWasAway) {
  Set(5, start_);
  ASSERT_TRUE(cache_.Refresh().ok());
  store_.Fail(absl::UnavailableError("away"));
  EXPECT_TRUE(absl::IsUnavailable(cache_.Refresh()));
  EXPECT_EQ(cache_.Find(tenant_)->send.per_second, 5);
  Set(7, start_ - absl::Hours(1));
  store_.SetNow(start_ + absl::Hours(1));  // that clock has caught up
  store_.Fail(absl::OkStatus());
  ASSERT_TRUE(cache_.Refresh().ok());
  EXPECT_EQ(cache_.Find(tenant_)->send.per_second, 7);
}

}  // namespace
}  // namespace herald::limits
