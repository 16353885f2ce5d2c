// Row-level security, asked of the catalogue and of every table that belongs to tenants.

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "storage/postgres/transaction.h"
#include "tests/postgres/tenant_fixture.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

// By the policy, or because the role has no such privilege.
auto Refused() {
  return StatusIs(absl::StatusCode::kInternal, ::testing::HasSubstr("SQLSTATE 42501"));
}

// One row of every tenant-owned table; %1$s is the tenant.
constexpr char kOneRowEach[] = R"sql(
INSERT INTO herald.api_tokens (tenant_id, display_name, mode, scopes, secret_hash)
  VALUES (%1$s, 'x', 1, 1, sha256('x'));
INSERT INTO herald.templates (tenant_id, template_key, display_name, latest_version)
  VALUES (%1$s, 'x', 'x', 1);
INSERT INTO herald.template_versions VALUES (%1$s, 'x', 1, '', '', '', '[]');
INSERT INTO herald.emails (tenant_id, email_id, state, lane, test, template_version, expire_time,
    create_time, update_time, category, template_key, user_id, from_address, from_name,
    idempotency_key, metadata, traceparent, recipient_hash, recipient_sealed)
  VALUES (%1$s, 1, 2, 1, false, 0, now(), now(), now(), '', '', '', '', '', 'k', '', '', '', '');
INSERT INTO herald.email_contents VALUES (%1$s, 1, '');
INSERT INTO herald.dead_emails VALUES (%1$s, 1);
INSERT INTO herald.idempotency_keys VALUES (%1$s, 'k', sha256('x'), 1, now());
INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time)
  VALUES (%1$s, 1, 1, now(), now());
INSERT INTO herald.attempts (tenant_id, email_id, attempt, begin_time, lease_token, account,
    request_digest) VALUES (%1$s, 1, 1, now(), 1, 'x', '');
INSERT INTO herald.chunks (tenant_id, chunk_id, lane, run_at, expire_time, email_ids)
  VALUES (%1$s, 1, 4, now(), now(), '{1}');
INSERT INTO herald.chunk_attempts (tenant_id, chunk_id, attempt, begin_time, lease_token, account,
    request_key, request_digest, email_ids) VALUES (%1$s, 1, 1, now(), 1, 'x', 'x', '', '{1}');
INSERT INTO herald.chunk_events (tenant_id, chunk_id, event_key, type, attempt, event_time,
    email_ids) VALUES (%1$s, 1, 'x', 9, 1, now(), '{1}');
INSERT INTO herald.suppressions (tenant_id, address_hash, reason, source)
  VALUES (%1$s, 'x', 'manual', 'x');
INSERT INTO herald.categories (tenant_id, category, display_name, description, marketing,
    default_in) VALUES (%1$s, 'x', '', '', true, true);
INSERT INTO herald.preferences (tenant_id, user_id, category, opted_in, source)
  VALUES (%1$s, 'x', 'x', true, 'x');
INSERT INTO herald.soft_bounces VALUES (%1$s, 'x', now());
INSERT INTO herald.rate_buckets (tenant_id, scope, bucket_key) VALUES (%1$s, 5, '');
INSERT INTO herald.tenant_limits
  VALUES (%1$s, 0, 0, 0, 0, 0, 0, false, '{}', '{}', '{}', '{}', '{}', now());
INSERT INTO herald.tenant_routes VALUES (%1$s, 1, 1, 'x', 0, 0, 1);
INSERT INTO herald.tenant_lanes VALUES (%1$s, 1, true);
INSERT INTO herald.ledger VALUES (%1$s, 1, 2, 0, 0);
INSERT INTO herald.sender_warm_ups (tenant_id, sender_domain) VALUES (%1$s, 'x');
INSERT INTO herald.contacts (tenant_id, contact_id, address_hash, email_sealed, state)
  VALUES (%1$s, 1, sha256('x'), '', 1);
INSERT INTO herald.segments (tenant_id, segment_key, display_name, filter)
  VALUES (%1$s, 'x', 'x', 'tags:x');
)sql";

class IsolationTest : public ::testing::Test, protected TenantFixture {
 protected:
  void SetUp() override {
    for (const TenantId id : {a.id, b.id}) {
      database.Psql(absl::StrReplaceAll(kOneRowEach, {{"%1$s", absl::StrCat(id.value)}}));
      database.Psql(absl::StrCat(
          "INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time) "
          "VALUES (",
          id.value, ", 1, 'x', 1, now())"));
    }
  }

  std::vector<std::string> TenantTables() const {
    const std::string list = database.Psql(
        "SELECT table_name FROM information_schema.columns JOIN information_schema.tables "
        "USING (table_schema, table_name) WHERE table_schema = 'herald' AND table_type = "
        "'BASE TABLE' AND column_name = 'tenant_id' ORDER BY 1");
    return absl::StrSplit(list, '\n', absl::SkipEmpty());
  }

  // All that a row can be given but its tenant, comma-separated.
  std::string Columns(const std::string& table) const {
    return database.Psql(
        absl::StrCat("SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE "
                     "attrelid = 'herald.",
                     table,
                     "'::regclass AND attnum > 0 AND attname <> 'tenant_id' AND attidentity = '' "
                     "AND attgenerated = '' AND NOT attisdropped"));
  }

  // Runs one statement as the API role for `tenants`.
  absl::StatusOr<int64_t> AsApi(std::vector<TenantId> tenants, const std::string& sql) {
    const absl::StatusOr<int64_t> result =
        RunTransaction(database.pool(), {.tenants = std::move(tenants), .name = "isolation"},
                       [&](Transaction& transaction) -> absl::StatusOr<int64_t> {
                         const pqxx::result rows = transaction.Exec({"statement", sql.c_str()});
                         if (rows.columns() > 0 && !rows.empty()) return Int64Of(rows[0][0]);
                         return static_cast<int64_t>(rows.affected_rows());
                       });
    return result;
  }
};

TEST_F(IsolationTest, EveryTenantTableForcesRowLevelSecurity) {
  EXPECT_EQ(
      database.Psql("SELECT string_agg(c.relname, ',') FROM pg_class c JOIN pg_attribute a ON "
                    "a.attrelid = c.oid AND a.attname = 'tenant_id' WHERE c.relnamespace = "
                    "'herald'::regnamespace AND c.relkind IN ('r', 'p') AND NOT "
                    "(c.relrowsecurity AND c.relforcerowsecurity)"),
      "");
  EXPECT_GE(TenantTables().size(), 15u);
}

TEST_F(IsolationTest, NoRoleMayBypassRowLevelSecurity) {
  EXPECT_EQ(database.Psql("SELECT count(*) FROM pg_roles WHERE rolname IN ('herald_api', "
                          "'herald_engine') AND NOT rolbypassrls AND NOT rolsuper "
                          "AND NOT rolcanlogin"),
            "2");
}

// The audit log belongs to the operators, tenants to the service: their own ids are unique anyway.
TEST_F(IsolationTest, EveryTenantTablesUniqueKeysBeginWithTheTenant) {
  EXPECT_EQ(database.Psql(
                "SELECT string_agg(i.indexrelid::regclass::text, ',') FROM pg_index i JOIN "
                "pg_class c ON c.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND "
                "a.attname = 'tenant_id' WHERE c.relnamespace = 'herald'::regnamespace AND "
                "i.indisunique AND i.indkey[0] <> a.attnum AND c.relname NOT IN ('tenants', "
                "'audit_entries')"),
            "");
}

TEST_F(IsolationTest, NoForeignKeyCrossesTenants) {
  EXPECT_EQ(database.Psql("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND "
                          "connamespace = 'herald'::regnamespace"),
            "0");
}

TEST_F(IsolationTest, WithoutATenantTheApiRoleSeesNothing) {
  for (const std::string& table : TenantTables()) {
    EXPECT_THAT(AsApi({}, absl::StrCat("SELECT count(*) FROM herald.", table)), IsOkAndHolds(0))
        << table;
  }
}

TEST_F(IsolationTest, ATenantSeesItsOwnRowsOnly) {
  for (const std::string& table : TenantTables()) {
    EXPECT_THAT(AsApi({a.id}, absl::StrCat("SELECT count(*) FROM herald.", table,
                                           " WHERE tenant_id = ", b.id.value)),
                IsOkAndHolds(0))
        << table;
    const absl::StatusOr<int64_t> own =
        AsApi({a.id}, absl::StrCat("SELECT count(*) FROM herald.", table));
    ASSERT_OK(own);
    EXPECT_GE(*own, 1) << table;
  }
}

TEST_F(IsolationTest, AGroupOfTenantsSeesTheRowsOfAll) {
  EXPECT_THAT(AsApi({a.id, b.id}, "SELECT count(*) FROM herald.emails"), IsOkAndHolds(2));
}

// Whether the policy or a missing privilege stops it: nothing changes.
TEST_F(IsolationTest, ATenantChangesNoRowOfAnother) {
  for (const std::string& table : TenantTables()) {
    const std::string where = absl::StrCat(" WHERE tenant_id = ", b.id.value);
    const std::string columns = Columns(table);
    const std::string column = columns.substr(0, columns.find(','));
    for (const std::string& sql :
         {absl::StrCat("UPDATE herald.", table, " SET ", column, " = ", column, where),
          absl::StrCat("DELETE FROM herald.", table, where)}) {
      const absl::StatusOr<int64_t> changed = AsApi({a.id}, sql);
      if (changed.ok()) {
        EXPECT_EQ(*changed, 0) << sql;
      } else {
        EXPECT_THAT(changed, Refused()) << sql;
      }
    }
    EXPECT_NE(database.Psql(absl::StrCat("SELECT count(*) FROM herald.", table, where)), "0");
  }
}

// A copy of its own row under the other tenant's id: refused by the policy, or by a missing grant.
TEST_F(IsolationTest, ATenantWritesNoRowForAnother) {
  for (const std::string& table : TenantTables()) {
    const std::string columns = Columns(table);
    const std::string where = absl::StrCat(" WHERE tenant_id = ", b.id.value);
    database.Psql(absl::StrCat("DELETE FROM herald.", table, where));
    EXPECT_THAT(AsApi({a.id}, absl::StrCat("INSERT INTO herald.", table, " (tenant_id, ", columns,
                                           ") OVERRIDING SYSTEM VALUE SELECT ", b.id.value, ", ",
                                           columns, " FROM herald.", table, " LIMIT 1")),
                Refused())
        << table;
    EXPECT_EQ(database.Psql(absl::StrCat("SELECT count(*) FROM herald.", table, where)), "0")
        << table;
  }
}

TEST_F(IsolationTest, ATenantsOwnRowsDoNotMoveToAnother) {
  EXPECT_THAT(AsApi({a.id}, absl::StrCat("UPDATE herald.templates SET template_key = 'y', "
                                         "tenant_id = ",
                                         b.id.value)),
              Refused());
}

TEST_F(IsolationTest, TheTenantOfOneTransactionIsNotThatOfTheNext) {
  ConnectionPool one({.dsn = database.dsn(), .max_connections = 1});
  const auto count = [&](std::vector<TenantId> tenants) {
    return RunTransaction(one, {.tenants = std::move(tenants), .name = "leak"},
                          [](Transaction& transaction) -> absl::StatusOr<std::string> {
                            const pqxx::result r = transaction.Exec(
                                {"leak",
                                 "SELECT pg_backend_pid() || '/' || count(*) || '/' || "
                                 "coalesce(current_setting('herald.tenant_id', true), '') "
                                 "FROM herald.emails"});
                            return TextOf(r[0][0]);
                          });
  };
  ASSERT_OK_AND_ASSIGN(const std::string first, count({a.id}));
  ASSERT_OK_AND_ASSIGN(const std::string second, count({}));
  const std::string pid = first.substr(0, first.find('/'));
  EXPECT_EQ(first, absl::StrCat(pid, "/1/", a.id.value));
  EXPECT_EQ(second, absl::StrCat(pid, "/0/"));
}

TEST_F(IsolationTest, TheEngineSeesEveryTenantAndCannotRewriteTheAuditLog) {
  const auto as_engine = [&](const char* sql) {
    return RunTransaction(database.pool(), {.role = DatabaseRole::kEngine, .name = "engine"},
                          [&](Transaction& transaction) -> absl::StatusOr<int64_t> {
                            const pqxx::result r = transaction.Exec({"engine", sql});
                            return r.columns() > 0 ? Int64Of(r[0][0]) : 0;
                          });
  };
  EXPECT_THAT(as_engine("SELECT count(*) FROM herald.emails"), IsOkAndHolds(2));
  EXPECT_THAT(as_engine("UPDATE herald.audit_entries SET actor = 'x'"), Refused());
  EXPECT_THAT(as_engine("DELETE FROM herald.audit_entries"), Refused());
}

}  // namespace
}  // namespace herald::storage
