#include "server/delivery/closed_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/delivery/named_provider.h"

namespace herald::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr TenantId kAda{1}, kBob{2}, kEve{3};

// Knows who has an account.
class SomeTenantsRouter final : public Router {
 public:
  RouteChoice Choose(const RouteQuery& query) override {
    EXPECT_TRUE(query.peek) << "nobody is handed over";
    EXPECT_EQ(query.lane, Lane::kStandard);
    RouteChoice choice;
    if (down.count(query.tenant) == 0) choice.provider = &provider_;
    return choice;
  }
  RouteChoice ChooseAccount(absl::string_view) override { return {}; }
  providers::Provider* Find(absl::string_view) const override { return nullptr; }

  std::set<TenantId> down;

 private:
  NamedProvider provider_{"a"};
};

class ClosedRoutesTest : public ::testing::Test {
 protected:
  ClosedRoutes::Advice After(absl::Duration passed, std::vector<TenantId> full = {}) {
    now_ += passed;
    return routes_.Next(now_, std::move(full));
  }

  SomeTenantsRouter router_;
  ClosedRoutes routes_{Lane::kStandard, &router_};
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(ClosedRoutesTest, NobodyIsLeftOutButThoseThatAreFull) {
  const ClosedRoutes::Advice advice = After({}, {kEve});
  EXPECT_THAT(advice.except, ElementsAre(kEve));
  EXPECT_FALSE(advice.scouts);
}

TEST_F(ClosedRoutesTest, WhoHasNoAccountIsLeftOutBetweenScouts) {
  router_.down = {kAda, kBob};
  routes_.Note(kAda);
  routes_.Note(kBob);
  EXPECT_TRUE(After({}).scouts);
  ClosedRoutes::Advice advice = After(absl::Milliseconds(249), {kEve});
  EXPECT_FALSE(advice.scouts);
  EXPECT_THAT(advice.except, UnorderedElementsAre(kAda, kBob, kEve));
  advice = After(absl::Milliseconds(1), {kEve});
  EXPECT_TRUE(advice.scouts);
  EXPECT_THAT(advice.except, ElementsAre(kEve)) << "scouts are of those that have no account";
}

TEST_F(ClosedRoutesTest, WhoHasAnAccountAgainIsClaimedAtOnce) {
  router_.down = {kAda, kBob};
  routes_.Note(kAda);
  routes_.Note(kBob);
  After({});
  router_.down = {kBob};
  EXPECT_THAT(After(absl::Milliseconds(1)).except, ElementsAre(kBob));
  router_.down = {kAda};
  EXPECT_THAT(After(absl::Milliseconds(1)).except, IsEmpty()) << "nobody has noted it since";
}

TEST_F(ClosedRoutesTest, AnEmailThatNoAccountTookClosesNothingWhileOthersAreTaken) {
  routes_.Note(kAda);  // too large for the one that is up, say
  const ClosedRoutes::Advice advice = After({});
  EXPECT_THAT(advice.except, IsEmpty());
  EXPECT_FALSE(advice.scouts);
}

}  // namespace
}  // namespace herald::delivery
