#include "server/delivery/rate_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/limits/fake_rate_limit_store.h"
#include "tests/unit/rpc/fakes/fake_tenant_store.h"

namespace herald::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RateLimiterTest : public ::testing::Test {
 protected:
  RateLimiterTest() {
    storage::Tenant tenant;
    tenant.slug = "shop";
    candidate_.tenant = tenants_.CreateTenant(tenant, {})->id;
    candidate_.account = "main";
    candidate_.category = "marketing";
    candidate_.sender_domain = "shop.example";
    candidate_.recipient_domain = "mail.example";
    candidate_.user_id = "u1";
    defaults_.global = {1000, 0};
    defaults_.accounts["main"] = {100, 5};
    defaults_.tenant = {50, 0};
    defaults_.category = {20, 0};
    defaults_.recipient_domain = {10, 0};
    defaults_.recipient_user = {3, absl::Hours(24)};
    defaults_.warm_up = true;
  }
  // The scopes and keys that apply to the candidate.
  std::vector<std::string> Limits() {
    const RateLimiter limiter(defaults_, &cache_, &store_);
    EXPECT_TRUE(cache_.Refresh().ok());
    store_.asked.clear();
    EXPECT_TRUE(limiter.Admit({candidate_}).ok());
    std::vector<std::string> limits;
    if (store_.asked.empty()) return limits;
    for (const storage::LimitBucket& bucket : store_.asked[0].buckets) {
      limits.push_back(std::string(LimitScopeName(bucket.scope)));
    }
    return limits;
  }
  Pace PaceFor(LimitScope scope) {
    for (const storage::LimitBucket& bucket : store_.asked.at(0).buckets) {
      if (bucket.scope == scope) return bucket.pace;
    }
    ADD_FAILURE() << LimitScopeName(scope);
    return {};
  }

  rpc::FakeTenantStore tenants_;
  limits::TenantLimitCache cache_{&tenants_};
  limits::FakeRateLimitStore store_;
  limits::LimitDefaults defaults_;
  SendCandidate candidate_;
};

TEST_F(RateLimiterTest, AsksFromTheNarrowestLimitToTheWidest) {
  EXPECT_THAT(Limits(), ElementsAre("recipient_user", "recipient_domain", "warm_up", "category",
                                    "tenant", "account", "global"));
  EXPECT_EQ(PaceFor(LimitScope::kTenant).burst, 5);
}

TEST_F(RateLimiterTest, SharedLimitsBelongToNobody) {
  Limits();
  for (const storage::LimitBucket& bucket : store_.asked[0].buckets) {
    EXPECT_EQ(bucket.tenant, IsShared(bucket.scope) ? TenantId{} : candidate_.tenant);
  }
}

TEST_F(RateLimiterTest, ManyAreAdmittedTogetherOrNotAtAll) {
  const RateLimiter limiter(defaults_, &cache_, &store_);
  const std::vector<SendCandidate> three(3, candidate_);
  EXPECT_EQ(*limiter.AdmitTogether(three), true);
  EXPECT_THAT(store_.asked, ::testing::SizeIs(3));
  store_.room = false;
  EXPECT_EQ(*limiter.AdmitTogether(three), false);
}

TEST_F(RateLimiterTest, KnowsWhenNothingCouldLimitAnything) {
  defaults_ = {};
  defaults_.accounts["main"] = {100, 5};
  const RateLimiter limiter(defaults_, &cache_, &store_);
  EXPECT_TRUE(limiter.MayLimit(candidate_.tenant, "main"));
  EXPECT_FALSE(limiter.MayLimit(candidate_.tenant, "other"));
  defaults_.warm_up = true;
  EXPECT_TRUE(RateLimiter(defaults_, &cache_, &store_).MayLimit(candidate_.tenant, "other"));
}

TEST_F(RateLimiterTest, AsksNobodyWhenNothingApplies) {
  defaults_ = {};
  EXPECT_THAT(Limits(), IsEmpty());
  EXPECT_EQ(store_.calls, 0);
}

TEST_F(RateLimiterTest, TestMailIsFree) {
  candidate_.test = true;
  EXPECT_THAT(Limits(), IsEmpty());
}

TEST_F(RateLimiterTest, AnEmailToNobodyInParticularHasNoUserLimit) {
  candidate_.user_id = "";
  EXPECT_EQ(Limits().front(), "recipient_domain");
}

TEST_F(RateLimiterTest, ExemptLanesAreNotCounted) {
  candidate_.lane = Lane::kCritical;
  for (LimitScope scope : kSendScopes) {
    if (scope != LimitScope::kAccount) defaults_.exempt_lanes[scope] = {Lane::kCritical};
  }
  EXPECT_THAT(Limits(), ElementsAre("account"));
}

TEST_F(RateLimiterTest, WhatAnOperatorSetStandsBeforeTheDefaults) {
  storage::TenantLimits own;
  own.tenant = candidate_.tenant;
  own.send = {2, 9};
  own.warm_up = false;
  own.categories = {{"", {7, 1}, {}}, {"marketing", {0, 0}, {1, absl::Hours(1)}}};
  ASSERT_TRUE(tenants_.SetTenantLimits(own, {}).ok());
  EXPECT_THAT(Limits(), ElementsAre("recipient_user", "recipient_domain", "category", "tenant",
                                    "account", "global"));
  EXPECT_EQ(PaceFor(LimitScope::kTenant).burst, 9);
  EXPECT_EQ(PaceFor(LimitScope::kRecipientUser).quota.count, 1);
  EXPECT_EQ(PaceFor(LimitScope::kCategory).interval, absl::Milliseconds(50));
  candidate_.category = "other";
  Limits();
  EXPECT_EQ(PaceFor(LimitScope::kCategory).interval, absl::Nanoseconds(142'857'143));
}

TEST_F(RateLimiterTest, ADomainsWarmUpIsReadOnce) {
  const RateLimiter limiter(defaults_, &cache_, &store_);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limiter.Admit({candidate_, candidate_}).ok());
  EXPECT_EQ(store_.warm_up_calls, 1);
}

TEST_F(RateLimiterTest, NobodyGoesWhileTheDatabaseIsAway) {
  store_.failure = absl::UnavailableError("away");
  const RateLimiter limiter(defaults_, &cache_, &store_);
  EXPECT_TRUE(absl::IsUnavailable(limiter.Admit({candidate_}).status()));
}

}  // namespace
}  // namespace herald::delivery
