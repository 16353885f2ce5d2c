#include "storage/postgres/lane_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Plan = LaneTurns::Plan;
using Reach = LaneTurns::Reach;

constexpr absl::Duration kQuick = absl::Milliseconds(1);
constexpr absl::Duration kSlow = absl::Seconds(4);

class LaneTurnsTest : public ::testing::Test {
 protected:
  void Know(std::vector<int64_t> ids) {
    std::vector<TenantId> tenants;
    for (int64_t id : ids) tenants.push_back(TenantId{id});
    turns_.Know(std::move(tenants));
  }
  // `count` emails of a tenant, due an hour ago.
  void Give(std::vector<LaneTurns::Taken>& taken, int64_t tenant, int count) {
    for (int i = 0; i < count; ++i) {
      taken.push_back({TenantId{tenant}, {now_ - absl::Hours(1), ++email_}});
    }
  }
  void Done(const Plan& plan, const std::vector<LaneTurns::Taken>& taken,
            absl::Duration took = kQuick) {
    now_ += took;
    turns_.Done(plan, taken, now_, now_, took);
  }
  // A claim of 100 in which each of these gave so many.
  Plan Claim(const std::vector<std::pair<int64_t, int>>& gifts, absl::Duration took = kQuick) {
    Plan plan = turns_.Next(100, now_);
    std::vector<LaneTurns::Taken> taken;
    for (const auto& [tenant, count] : gifts) Give(taken, tenant, count);
    Done(plan, taken, took);
    return plan;
  }
  static std::vector<int64_t> Ids(const std::vector<LaneTurns::BusyVisit>& visits) {
    std::vector<int64_t> ids;
    for (const LaneTurns::BusyVisit& visit : visits) ids.push_back(visit.tenant.value);
    return ids;
  }

  LaneTurns turns_;
  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  int64_t email_ = 0;
};

TEST_F(LaneTurnsTest, ATenantAloneMayFillAClaim) {
  Know({1});
  const Plan plan = Claim({{1, 100}});
  EXPECT_EQ(plan.light_quota, 100);
  const Plan next = Claim({{1, 100}});
  EXPECT_THAT(Ids(next.busy), ElementsAre(1));
  EXPECT_EQ(next.busy_quota, 100);
  EXPECT_THAT(next.light, IsEmpty());
}

TEST_F(LaneTurnsTest, ANewcomerHasAShareBesideABusyOne) {
  Know({1});
  Claim({{1, 100}});
  Know({1, 2});
  const Plan plan = turns_.Next(100, now_);
  EXPECT_THAT(plan.light, ElementsAre(TenantId{2}));
  EXPECT_EQ(plan.light_quota, 50);
  EXPECT_EQ(plan.light_max, 50);
}

TEST_F(LaneTurnsTest, BusyOnesTakeTurnsWhenAClaimIsCutOff) {
  Know({1, 2, 3});
  Claim({{1, 100}});
  Claim({{2, 50}, {1, 50}});
  Claim({{3, 33}, {2, 50}, {1, 17}});
  const Plan plan = turns_.Next(100, now_);
  ASSERT_THAT(plan.busy, SizeIs(3));
  const int64_t first = plan.busy[0].tenant.value;
  std::vector<LaneTurns::Taken> taken;
  Give(taken, first, 100);  // more than its share, as if the others were locked
  Done(plan, taken);
  EXPECT_NE(turns_.Next(100, now_).busy[0].tenant.value, first);
}

TEST_F(LaneTurnsTest, ABusyOneWhoseLineEndedIsLightAgain) {
  Know({1});
  Claim({{1, 100}});
  Claim({{1, 40}});
  const Plan plan = turns_.Next(100, now_);
  EXPECT_THAT(plan.busy, IsEmpty());
  EXPECT_THAT(plan.light, ElementsAre(TenantId{1}));
}

TEST_F(LaneTurnsTest, ABusyOneIsVisitedFromItsLastPlaceOn) {
  Know({1});
  Claim({{1, 100}});
  Claim({{1, 100}});
  const Plan plan = turns_.Next(100, now_);
  EXPECT_EQ(plan.reach, Reach::kNear);
  EXPECT_EQ(plan.busy.at(0).from.id, 200);
}

TEST_F(LaneTurnsTest, TheFirstClaimLooksFromTheBeginningAndSoDoesOneEverySecond) {
  Know({1});
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kAll);
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kAll) << "the first was cut off before the end";
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kNear);
  now_ += absl::Seconds(2);
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kAll);
}

TEST_F(LaneTurnsTest, LookingBackTakesATwentiethOfTheTime) {
  Know({1});
  Claim({{1, 100}}, kSlow);
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kAll);
  now_ += 18 * kSlow;
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kNear);
  now_ += 3 * kSlow;
  EXPECT_EQ(Claim({{1, 100}}).reach, Reach::kAll);
}

TEST_F(LaneTurnsTest, ASweepThatFailedIsPutOff) {
  Know({1});
  const Plan plan = turns_.Next(100, now_);
  ASSERT_EQ(plan.reach, Reach::kAll);
  turns_.Failed(plan, now_, now_, kSlow);
  EXPECT_NE(turns_.Next(100, now_).reach, Reach::kAll);
}

TEST_F(LaneTurnsTest, TheFirstSweepHasMoreTimeAndWhereThatIsTooLittleWhatIsNewIsLookedAt) {
  Know({1});
  const Plan first = turns_.Next(100, now_);
  EXPECT_TRUE(first.patient);
  const absl::Time at = now_;
  now_ += absl::Seconds(20);
  turns_.Failed(first, at, now_, absl::Seconds(20));
  const Plan next = turns_.Next(100, now_);
  EXPECT_EQ(next.reach, Reach::kNear);
  EXPECT_GT(next.light_from, at - absl::Minutes(1));
  EXPECT_LT(next.light_from, at - absl::Seconds(20));
  now_ += absl::Minutes(10);
  const Plan again = turns_.Next(100, now_);
  EXPECT_EQ(again.reach, Reach::kAll);
  EXPECT_FALSE(again.patient) << "others wait meanwhile";
}

TEST_F(LaneTurnsTest, AnIdleClaimerLooksFromTheBeginningEveryTime) {
  Know({1});
  Claim({});
  EXPECT_EQ(Claim({}).reach, Reach::kAll);
}

TEST_F(LaneTurnsTest, ManyTenantsAreVisitedInSeveralClaims) {
  std::vector<int64_t> ids;
  for (int64_t id = 1; id <= 2500; ++id) ids.push_back(id);
  Know(ids);
  std::vector<TenantId> visited;
  for (int i = 0; i < 3; ++i) {
    const Plan plan = Claim({});
    EXPECT_EQ(plan.ends_pass, i == 2);
    visited.insert(visited.end(), plan.light.begin(), plan.light.end());
  }
  EXPECT_THAT(visited, SizeIs(2500));
  EXPECT_EQ(turns_.Next(100, now_).light.front(), TenantId{1});
}

TEST_F(LaneTurnsTest, ASmallClaimThatFindsNothingGoesOnWhileThereAreBusyOnes) {
  std::vector<int64_t> ids;
  for (int64_t id = 1; id <= 60; ++id) ids.push_back(id);
  Know(ids);
  for (int64_t id = 1; id <= 60; ++id) {
    const Plan plan = turns_.Next(1, now_);
    std::vector<LaneTurns::Taken> taken;
    Give(taken, id, 1);
    Done(plan, taken);
  }
  const Plan fifty = turns_.Next(1, now_);
  EXPECT_THAT(fifty.busy, SizeIs(50));
  Done(fifty, {});
  EXPECT_TRUE(turns_.HasMoreToVisit(fifty, now_));
  const Plan ten = turns_.Next(1, now_);
  EXPECT_THAT(ten.busy, SizeIs(10));
  Done(ten, {});
  EXPECT_FALSE(turns_.HasMoreToVisit(turns_.Next(1, now_), now_));
}

TEST_F(LaneTurnsTest, WhoIsLeftOutIsNotVisitedAndKeepsItsPlaces) {
  Know({1, 2, 3});
  Claim({{1, 100}});
  const std::vector<TenantId> except = {TenantId{1}, TenantId{2}};
  const Plan partial = turns_.Next(100, now_, except);
  EXPECT_THAT(partial.busy, IsEmpty());
  EXPECT_THAT(partial.light, ElementsAre(TenantId{3}));
  EXPECT_EQ(partial.light_quota, 100) << "nobody else shares it";
  Done(partial, {});
  const Plan next = turns_.Next(100, now_);
  EXPECT_THAT(Ids(next.busy), ElementsAre(1));
  EXPECT_THAT(next.light, ElementsAre(TenantId{2}, TenantId{3}));
  EXPECT_EQ(next.reach, Reach::kAll) << "the pass that was cut off at the first claim goes on";
}

TEST_F(LaneTurnsTest, ALightOneThatWasCutOffIsVisitedAgainFirst) {
  Know({1, 2, 3});
  Claim({{1, 60}, {2, 40}});
  EXPECT_EQ(turns_.Next(100, now_).light.front(), TenantId{2});
}

}  // namespace
}  // namespace herald::storage
