#include "server/delivery/tenant_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/algorithm/container.h"

namespace herald::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TenantId kNoisy{1};
constexpr TenantId kOther{2};
constexpr TenantId kQuiet{3};

// Lets tenants with endless lines claim, one after the other, until nobody gets more.
void Fill(TenantShares& shares, const std::vector<TenantId>& tenants) {
  for (bool more = true; more;) {
    more = false;
    for (TenantId tenant : tenants) {
      const TenantShares::Allowance room = shares.Next();
      const bool full = absl::c_linear_search(room.full, tenant);
      if (full || room.limit == 0) continue;
      shares.Add(tenant, room.limit);
      more = true;
    }
  }
}

TEST(TenantShares, EverybodyMayClaimWhileNothingIsHeld) {
  const TenantShares shares(480, 100);
  EXPECT_EQ(shares.Next().limit, 100);
  EXPECT_THAT(shares.Next().full, IsEmpty());
  EXPECT_TRUE(shares.empty());
}

TEST(TenantShares, ATenantAloneLeavesPlacesToOthers) {
  TenantShares shares(480, 100);
  Fill(shares, {kNoisy});
  EXPECT_THAT(shares.Next().full, ElementsAre(kNoisy));
  EXPECT_EQ(shares.Next().limit, 60);  // of 80 that it left, a claim takes three quarters
  shares.Add(kQuiet, 30);
  EXPECT_THAT(shares.Next().full, ElementsAre(kNoisy)) << "the other holds few";
  shares.Add(kQuiet, 30);
  EXPECT_EQ(shares.Next().limit, 15);
  EXPECT_THAT(shares.Next().full, ElementsAre(kNoisy, kQuiet));
}

TEST(TenantShares, SeveralMountainsLeavePlacesToWhoeverComesNext) {
  TenantShares shares(480, 100);
  Fill(shares, {kNoisy, kOther});
  EXPECT_THAT(shares.Next().full, ElementsAre(kNoisy, kOther));
  EXPECT_GT(shares.Next().limit, 0);
}

TEST(TenantShares, WhoIsFullGetsABatchMoreOrNothing) {
  TenantShares shares(480, 100);
  Fill(shares, {kNoisy});  // 400
  const TenantShares::Allowance before = shares.Next();
  shares.Remove(kNoisy, 64);
  EXPECT_FALSE(shares.IsBetterThan(before));
  EXPECT_THAT(shares.Next().full, ElementsAre(kNoisy));
  shares.Remove(kNoisy, 1);  // 335, and three times 145 is 435
  EXPECT_TRUE(shares.IsBetterThan(before));
  EXPECT_THAT(shares.Next().full, IsEmpty());
}

TEST(TenantShares, WhatAClaimUnderWayMayTakeIsNotFree) {
  TenantShares shares(8, 2);
  shares.Reserve(2);
  shares.Reserve(2);
  shares.Reserve(2);
  EXPECT_EQ(shares.Next().limit, 1);
  shares.Reserve(2);
  const TenantShares::Allowance none = shares.Next();
  EXPECT_EQ(none.limit, 0);
  EXPECT_FALSE(shares.IsBetterThan(none));
  EXPECT_FALSE(shares.empty());
  shares.Reserve(-8);
  EXPECT_TRUE(shares.IsBetterThan(none));
  EXPECT_TRUE(shares.empty());
}

TEST(TenantShares, PlacesMayBeOverdrawn) {
  TenantShares shares(4, 4);
  shares.Add(kNoisy, 1);
  shares.Add(kNoisy, 3);
  shares.Add(kNoisy, 3);
  EXPECT_EQ(shares.Next().limit, 0);
  shares.Remove(kNoisy, 7);
  EXPECT_EQ(shares.Next().limit, 1) << "the batch of so small a capacity";
  EXPECT_TRUE(shares.empty());
}

TEST(TenantShares, OneEmailAtATimeIsACapacity) {
  TenantShares shares(1, 100);
  EXPECT_EQ(shares.Next().limit, 1);
  shares.Add(kNoisy, 1);
  EXPECT_EQ(shares.Next().limit, 0);
}

}  // namespace
}  // namespace herald::delivery
