#include "storage/postgres/tenant_route_store.h"

#include <gtest/gtest.h>

#include "storage/postgres/account_health_store.h"
#include "tests/postgres/tenant_fixture.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;
using ::testing::IsEmpty;

class TenantRouteStoreTest : public ::testing::Test, protected TenantFixture {
 protected:
  TenantRouteStoreTest() {
    EXPECT_OK(PostgresAccountHealthStore(database.pool()).Register({"main", "other"}));
  }
  absl::Status Put(TenantId tenant, Lane lane, Route steps,
                   absl::optional<bool> resend = absl::nullopt) {
    AuditEntry audit;
    audit.actor = "operator";
    audit.action = "put";
    audit.target = "route";
    return store_.Put({tenant, lane, std::move(steps), resend}, audit);
  }
  PostgresTenantRouteStore store_{database.pool()};
};

TEST_F(TenantRouteStoreTest, ShowsRoutesAsTheyWerePut) {
  const Route steps{{"other", 1, 3, 5}, {"main", 1, 3, 2}};
  ASSERT_OK(Put(a.id, Lane::kBulk, steps, true));
  ASSERT_OK(Put(a.id, Lane::kCritical, {}, false));
  ASSERT_OK(Put(b.id, Lane::kBulk, {{"main"}}));
  ASSERT_OK_AND_ASSIGN(const auto routes, store_.List(a.id));
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].lane, Lane::kCritical);
  EXPECT_THAT(routes[0].steps, IsEmpty());
  EXPECT_EQ(routes[0].resend_unconfirmed, false);
  EXPECT_EQ(routes[1].lane, Lane::kBulk);
  EXPECT_EQ(routes[1].steps, steps);
  EXPECT_EQ(routes[1].resend_unconfirmed, true);
  ASSERT_OK_AND_ASSIGN(const auto all, store_.ListAll());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[2].tenant, b.id);
  EXPECT_EQ(all[2].resend_unconfirmed, absl::nullopt);
}

TEST_F(TenantRouteStoreTest, AnEmptyRouteTakesTheOldOneAway) {
  ASSERT_OK(Put(a.id, Lane::kBulk, {{"main"}}, true));
  ASSERT_OK(Put(a.id, Lane::kBulk, {}));
  EXPECT_THAT(store_.ListAll(), IsOkAndHolds(IsEmpty()));
}

TEST_F(TenantRouteStoreTest, EveryChangeIsAuditedAndGrowsTheVersion) {
  ASSERT_OK_AND_ASSIGN(const int64_t before, store_.Version());
  ASSERT_OK(Put(a.id, Lane::kBulk, {{"main"}}));
  ASSERT_OK(Put(a.id, Lane::kBulk, {}));
  EXPECT_THAT(store_.Version(), IsOkAndHolds(before + 2));
  EXPECT_EQ(database.Psql("SELECT count(*) FROM herald.audit_entries WHERE action = 'put'"), "2");
}

TEST_F(TenantRouteStoreTest, RefusesAnUnknownAccountOrTenantAndChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const int64_t before, store_.Version());
  EXPECT_THAT(Put(a.id, Lane::kBulk, {{"main"}, {"gone"}}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "gone"));
  EXPECT_THAT(Put({999}, Lane::kBulk, {{"main"}}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.List({999}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Version(), IsOkAndHolds(before));
}

}  // namespace
}  // namespace herald::storage
