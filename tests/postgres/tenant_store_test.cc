#include "storage/postgres/tenant_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/postgres/account_health_store.h"
#include "storage/postgres/tenant_route_store.h"
#include "tests/postgres/gated_pool.h"
#include "tests/postgres/tenant_fixture.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;

class TenantStoreTest : public ::testing::Test, protected TenantFixture {
 protected:
  AuditEntry Audit(const std::string& action) const {
    AuditEntry audit;
    audit.actor = "operator";
    audit.action = action;
    return audit;
  }
  ApiToken NewToken(TenantId tenant) const {
    ApiToken token;
    token.tenant = tenant;
    token.display_name = "ci";
    token.mode = TokenMode::kRestricted;
    token.scopes = kScopeSend | kScopeRead;
    token.secret_hash = std::string("\0\x01\xff", 3) + std::string(29, 'h');
    token.allowed_recipients = {"ada@a.example", "@\"odd\\,{}.example"};
    token.expire_time = absl::FromUnixMicros(1800000000123456);
    return token;
  }
  std::string AuditActions(TenantId tenant) {
    return database.Psql(
        "SELECT string_agg(action || ':' || target, ',' ORDER BY audit_id) FROM "
        "herald.audit_entries WHERE tenant_id = " +
        std::to_string(tenant.value));
  }
};

TEST_F(TenantStoreTest, CreatedTenantIsFoundByIdAndSlug) {
  for (const auto& found : {tenants.GetTenant(a.id), tenants.GetTenantBySlug("a")}) {
    ASSERT_OK(found);
    EXPECT_EQ(found->id, a.id);
    EXPECT_EQ(found->slug, "a");
    EXPECT_EQ(found->display_name, "Tenant a");
    EXPECT_THAT(found->sender_domains, ElementsAre("a.example"));
    EXPECT_FALSE(found->suspended);
    EXPECT_EQ(found->create_time, a.create_time);
  }
}

TEST_F(TenantStoreTest, ATakenSlugIsRefusedAndLeavesNoAuditEntry) {
  Tenant again;
  again.slug = "a";
  EXPECT_THAT(tenants.CreateTenant(again, Audit("create")),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(database.Psql("SELECT count(*) FROM herald.audit_entries"), "2");
}

TEST_F(TenantStoreTest, AnUnknownTenantIsNotFound) {
  const auto not_found = StatusIs(absl::StatusCode::kNotFound);
  EXPECT_THAT(tenants.GetTenant({999}), not_found);
  EXPECT_THAT(tenants.GetTenantBySlug("nobody"), not_found);
  EXPECT_THAT(tenants.UpdateTenant({999}, {}, Audit("update")), not_found);
  EXPECT_THAT(tenants.CreateApiToken(NewToken({999}), Audit("token")), not_found);
  EXPECT_THAT(tenants.ListApiTokens({999}), not_found);
}

TEST_F(TenantStoreTest, ListsTenantsByPages) {
  ASSERT_OK_AND_ASSIGN(const Page<Tenant> first, tenants.ListTenants(1, absl::nullopt));
  ASSERT_EQ(first.rows.size(), 1u);
  EXPECT_EQ(first.rows[0].id, a.id);
  ASSERT_TRUE(first.next.has_value());
  ASSERT_OK_AND_ASSIGN(const Page<Tenant> last, tenants.ListTenants(1, first.next));
  ASSERT_EQ(last.rows.size(), 1u);
  EXPECT_EQ(last.rows[0].id, b.id);
  EXPECT_FALSE(last.next.has_value());
}

TEST_F(TenantStoreTest, UpdatesOnlyWhatIsGiven) {
  TenantUpdate update;
  update.suspended = true;
  ASSERT_OK_AND_ASSIGN(Tenant updated, tenants.UpdateTenant(a.id, update, Audit("suspend")));
  EXPECT_TRUE(updated.suspended);
  EXPECT_EQ(updated.display_name, "Tenant a");
  EXPECT_THAT(updated.sender_domains, ElementsAre("a.example"));

  update = {};
  update.sender_domains.emplace();
  ASSERT_OK_AND_ASSIGN(updated, tenants.UpdateTenant(a.id, update, Audit("domains")));
  EXPECT_THAT(updated.sender_domains, ElementsAre());
  EXPECT_TRUE(updated.suspended);
  const std::string id = FormatTenantId(a.id);
  EXPECT_EQ(AuditActions(a.id), "create:" + id + ",suspend:" + id + ",domains:" + id);
}

TEST_F(TenantStoreTest, ATokenComesBackAsItWasCreated) {
  const ApiToken token = NewToken(a.id);
  ASSERT_OK_AND_ASSIGN(const ApiToken created, tenants.CreateApiToken(token, Audit("token")));
  ASSERT_OK_AND_ASSIGN(const ApiToken found, tenants.FindApiToken(created.id));
  EXPECT_EQ(found.tenant, a.id);
  EXPECT_EQ(found.display_name, "ci");
  EXPECT_EQ(found.mode, TokenMode::kRestricted);
  EXPECT_EQ(found.scopes, kScopeSend | kScopeRead);
  EXPECT_EQ(found.secret_hash, token.secret_hash);
  EXPECT_EQ(found.allowed_recipients, token.allowed_recipients);
  EXPECT_EQ(found.expire_time, token.expire_time);
  EXPECT_FALSE(found.revoke_time.has_value());
}

TEST_F(TenantStoreTest, RevokingTwiceChangesAndRecordsOnce) {
  ASSERT_OK_AND_ASSIGN(const ApiToken token,
                       tenants.CreateApiToken(NewToken(a.id), Audit("token")));
  ASSERT_OK_AND_ASSIGN(const ApiToken first,
                       tenants.RevokeApiToken(a.id, token.id, Audit("revoke")));
  ASSERT_TRUE(first.revoke_time.has_value());
  ASSERT_OK_AND_ASSIGN(const ApiToken second,
                       tenants.RevokeApiToken(a.id, token.id, Audit("revoke")));
  EXPECT_EQ(second.revoke_time, first.revoke_time);
  const std::string id = FormatApiTokenId(token.id);
  EXPECT_EQ(AuditActions(a.id),
            "create:" + FormatTenantId(a.id) + ",token:" + id + ",revoke:" + id);
}

TEST_F(TenantStoreTest, ATokenIsNotRevokedThroughAnotherTenant) {
  ASSERT_OK_AND_ASSIGN(const ApiToken token,
                       tenants.CreateApiToken(NewToken(a.id), Audit("token")));
  EXPECT_THAT(tenants.RevokeApiToken(b.id, token.id, Audit("revoke")),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const ApiToken found, tenants.FindApiToken(token.id));
  EXPECT_FALSE(found.revoke_time.has_value());
}

TEST_F(TenantStoreTest, ListsATenantsOwnTokensNewestFirst) {
  ASSERT_OK_AND_ASSIGN(const ApiToken old, tenants.CreateApiToken(NewToken(a.id), Audit("token")));
  ASSERT_OK_AND_ASSIGN(const ApiToken token,
                       tenants.CreateApiToken(NewToken(a.id), Audit("token")));
  ASSERT_OK_AND_ASSIGN(const std::vector<ApiToken> of_a, tenants.ListApiTokens(a.id));
  ASSERT_EQ(of_a.size(), 2u);
  EXPECT_EQ(of_a[0].id, token.id);
  EXPECT_EQ(of_a[1].id, old.id);
  ASSERT_OK_AND_ASSIGN(const std::vector<ApiToken> of_b, tenants.ListApiTokens(b.id));
  EXPECT_EQ(of_b.size(), 0u);
}

TEST_F(TenantStoreTest, AuditEntriesAreListedNewestFirstByPages) {
  AuditEntry own = Audit("reveal");
  own.tenant = a.id;
  own.target = "em_1";
  ASSERT_OK(tenants.WriteAuditEntry(own));
  ASSERT_OK(tenants.WriteAuditEntry(Audit("start")));
  ASSERT_OK_AND_ASSIGN(const Page<AuditEntry> all,
                       tenants.ListAuditEntries(absl::nullopt, 10, absl::nullopt));
  ASSERT_EQ(all.rows.size(), 4u);
  EXPECT_EQ(all.rows[0].action, "start");
  EXPECT_FALSE(all.rows[0].tenant.has_value());
  ASSERT_OK_AND_ASSIGN(const Page<AuditEntry> first,
                       tenants.ListAuditEntries(a.id, 1, absl::nullopt));
  ASSERT_EQ(first.rows.size(), 1u);
  EXPECT_EQ(first.rows[0].action, "reveal");
  EXPECT_EQ(first.rows[0].target, "em_1");
  EXPECT_EQ(first.rows[0].tenant, a.id);
  ASSERT_OK_AND_ASSIGN(const Page<AuditEntry> second,
                       tenants.ListAuditEntries(a.id, 1, first.next));
  ASSERT_EQ(second.rows.size(), 1u);
  EXPECT_EQ(second.rows[0].action, "create");
  EXPECT_FALSE(second.next.has_value());
}

TEST_F(TenantStoreTest, TextWithANulByteIsRefusedWholeInsteadOfCutOff) {
  Tenant tenant;
  tenant.slug = std::string("cut\0off", 7);
  EXPECT_THAT(tenants.CreateTenant(tenant, Audit("create")),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(tenants.GetTenantBySlug("cut"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TenantStoreTest, LimitsAreReplacedAuditedAndListedSinceTheirChange) {
  ASSERT_OK_AND_ASSIGN(TenantLimits limits, tenants.GetTenantLimits(a.id));
  EXPECT_FALSE(limits.update_time.has_value());
  limits.ingest = {0.1, 3};
  limits.send = {1e6, 0};
  limits.categories = {{"", {5, 1}, {}},
                       {"odd\"{},\\name", {1.0 / 3, 0}, {7, absl::Milliseconds(1500)}}};
  limits.warm_up = false;
  ASSERT_OK(tenants.SetTenantLimits(limits, Audit("set_limits")));
  ASSERT_OK_AND_ASSIGN(const TenantLimits known, tenants.GetTenantLimits(a.id));
  EXPECT_EQ(known.ingest.per_second, 0.1);
  EXPECT_EQ(known.ingest.burst, 3);
  EXPECT_EQ(known.send.per_second, 1e6);
  ASSERT_EQ(known.categories.size(), 2u);
  EXPECT_EQ(known.categories[1].category, limits.categories[1].category);
  EXPECT_EQ(known.categories[1].send.per_second, 1.0 / 3);
  EXPECT_EQ(known.categories[1].per_user.count, 7);
  EXPECT_EQ(known.categories[1].per_user.window, absl::Milliseconds(1500));
  EXPECT_EQ(known.warm_up, absl::optional<bool>(false));
  EXPECT_THAT(AuditActions(a.id), ::testing::HasSubstr("set_limits"));

  ASSERT_OK_AND_ASSIGN(const auto changed, tenants.ListTenantLimits(*known.update_time));
  EXPECT_EQ(changed.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto later,
                       tenants.ListTenantLimits(*known.update_time + absl::Microseconds(1)));
  EXPECT_EQ(later.size(), 0u);
  ASSERT_OK_AND_ASSIGN(const auto all,
                       tenants.ListTenantLimits(*known.update_time + absl::Hours(1)));
  EXPECT_EQ(all.size(), 1u) << "the clock was set back";
}

TEST_F(TenantStoreTest, AnUnknownTenantHasNoLimits) {
  TenantLimits limits;
  limits.tenant = TenantId{999};
  EXPECT_THAT(tenants.GetTenantLimits(limits.tenant), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(tenants.SetTenantLimits(limits, Audit("x")), StatusIs(absl::StatusCode::kNotFound));
}

// Of routes and provider accounts, too: operators are told to try again, not that heraldd is
// broken.
TEST_F(TenantStoreTest, AChangeWhoseCommitIsInDoubtIsUnavailable) {
  GatedPool gated(database);
  const auto unavailable = StatusIs(absl::StatusCode::kUnavailable);
  PostgresTenantStore store(gated.pool(), keys);
  Tenant fresh;
  fresh.slug = "fresh";
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(store.CreateTenant(fresh, Audit("create")), unavailable);
  EXPECT_OK(store.GetTenantBySlug("fresh")) << "it took place";
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(store.CreateApiToken(NewToken(a.id), Audit("token")), unavailable);
  TenantLimits limits;
  limits.tenant = a.id;
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(store.SetTenantLimits(limits, Audit("limits")), unavailable);
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(store.WriteAuditEntry(Audit("reveal")), unavailable);
  PostgresAccountHealthStore accounts(gated.pool());
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(accounts.Register({"main"}), unavailable);
  PostgresTenantRouteStore routes(gated.pool());
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(routes.Put({a.id, Lane::kBulk, {{"main"}}, {}}, Audit("route")), unavailable);
}

}  // namespace
}  // namespace herald::storage
