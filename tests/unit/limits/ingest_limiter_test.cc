#include "server/limits/ingest_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/status/status_details.h"
#include "tests/unit/limits/fake_rate_limit_store.h"
#include "tests/unit/rpc/fakes/fake_tenant_store.h"

namespace herald::limits {
namespace {

constexpr TenantId kTenant{7};

class IngestLimiterTest : public ::testing::Test {
 protected:
  IngestLimiter Limiter(Rate fallback) {
    return IngestLimiter(
        fallback, &cache_, &store_,
        [this](std::function<void()> task) {
          if (full_) return false;
          task();
          return true;
        },
        [this] { return store_.now; });
  }
  // As LimitedAcceptor asks.
  absl::Status Ask(IngestLimiter& limiter, int count = 1) {
    if (const absl::optional<absl::Status> known = limiter.TryAdmit(kTenant, count)) return *known;
    absl::Status told = absl::UnknownError("not called");
    limiter.Admit(kTenant, count, [&](const absl::Status& status) { told = status; });
    return told;
  }

  void SetLimit(Rate rate) {
    storage::Tenant tenant;
    while (tenant.id != kTenant) {
      tenant.slug += "x";
      tenant.id = tenants_.CreateTenant(tenant, {})->id;
    }
    storage::TenantLimits limits;
    limits.tenant = kTenant;
    limits.ingest = rate;
    ASSERT_TRUE(tenants_.SetTenantLimits(limits, {}).ok());
    ASSERT_TRUE(cache_.Refresh().ok());
  }

  rpc::FakeTenantStore tenants_;
  TenantLimitCache cache_{&tenants_};
  FakeRateLimitStore store_;
  bool full_ = false;
};

TEST_F(IngestLimiterTest, WithoutALimitNobodyIsAsked) {
  IngestLimiter limiter = Limiter({});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Ask(limiter).ok());
  EXPECT_EQ(store_.calls, 0);
}

TEST_F(IngestLimiterTest, AdmitsTheBurstAndThenSaysExactlyWhen) {
  IngestLimiter limiter = Limiter({10, 50});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Ask(limiter).ok()) << i;
  const absl::Status refused = Ask(limiter);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), "INGEST_LIMIT");
  EXPECT_EQ(RetryDelay(refused), absl::Milliseconds(100));
  store_.now += absl::Milliseconds(100);
  EXPECT_TRUE(Ask(limiter).ok());
  EXPECT_FALSE(Ask(limiter).ok());
}

TEST_F(IngestLimiterTest, ABusyTenantCostsACallForManyEmails) {
  IngestLimiter limiter = Limiter({1000, 1000});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Ask(limiter).ok());
  EXPECT_LE(store_.calls, 10);
}

TEST_F(IngestLimiterTest, WhatWasRefusedOnceIsRefusedWithoutAsking) {
  IngestLimiter limiter = Limiter({1, 1});
  EXPECT_TRUE(Ask(limiter).ok());
  EXPECT_FALSE(Ask(limiter).ok());
  const int calls = store_.calls;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(Ask(limiter).ok());
  EXPECT_EQ(store_.calls, calls);
}

TEST_F(IngestLimiterTest, AHigherLimitCountsAtOnceAlsoAfterARefusal) {
  IngestLimiter limiter = Limiter({1, 1});
  EXPECT_TRUE(Ask(limiter, 1000).ok());
  EXPECT_FALSE(Ask(limiter).ok());
  SetLimit({1000, 1000});
  const absl::Status refused = Ask(limiter);
  EXPECT_LE(RetryDelay(refused), absl::Seconds(2)) << "the credit is paid at the new pace";
  store_.now += RetryDelay(refused).value_or(absl::ZeroDuration());
  EXPECT_TRUE(Ask(limiter).ok());
}

TEST_F(IngestLimiterTest, ABatchAboveTheBurstIsAdmittedByAFullBucketOnCredit) {
  IngestLimiter limiter = Limiter({10, 20});
  EXPECT_TRUE(Ask(limiter, 100).ok());
  const absl::Status refused = Ask(limiter);
  EXPECT_EQ(RetryDelay(refused), absl::Milliseconds(8100));
}

TEST_F(IngestLimiterTest, ABatchIsRefusedWholeAndASmallerCallIsNot) {
  IngestLimiter limiter = Limiter({10, 20});
  EXPECT_TRUE(Ask(limiter, 15).ok());
  EXPECT_FALSE(Ask(limiter, 10).ok());
  EXPECT_TRUE(Ask(limiter, 1).ok());
}

TEST_F(IngestLimiterTest, TokensThatAQuietReplicaKeptAreGoneAfterASecond) {
  IngestLimiter limiter = Limiter({100, 100});
  EXPECT_TRUE(Ask(limiter).ok());  // leases 20
  const int calls = store_.calls;
  store_.now += absl::Seconds(2);
  EXPECT_TRUE(Ask(limiter).ok());
  EXPECT_GT(store_.calls, calls);
}

TEST_F(IngestLimiterTest, TellsThatTheDatabaseIsAway) {
  IngestLimiter limiter = Limiter({10, 20});
  store_.failure = absl::UnavailableError("away");
  EXPECT_EQ(ErrorReason(Ask(limiter)), "STORAGE_UNAVAILABLE");
  store_.failure = absl::OkStatus();
  EXPECT_TRUE(Ask(limiter).ok());
}

TEST_F(IngestLimiterTest, TellsThatItIsOverloaded) {
  IngestLimiter limiter = Limiter({10, 20});
  full_ = true;
  EXPECT_EQ(ErrorReason(Ask(limiter)), "OVERLOADED");
  full_ = false;
  EXPECT_TRUE(Ask(limiter).ok());
}

}  // namespace
}  // namespace herald::limits
