#include "storage/postgres/migrations.h"

#include <gtest/gtest.h>

#include <thread>

#include "storage/postgres/transaction.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;
using ::testing::HasSubstr;

class MigrationsTest : public ::testing::Test {
 protected:
  support::PostgresCluster& cluster_ = support::PostgresCluster::Shared();
  const std::string database_ = cluster_.CreateDatabase().value();
  const std::string dsn_ = cluster_.Dsn(database_);
};

TEST_F(MigrationsTest, RunTwiceChangeNothingTheSecondTime) {
  ASSERT_OK(Migrate(dsn_));
  const auto before = cluster_.Psql(database_, "SELECT * FROM herald.schema_migrations");
  ASSERT_OK(Migrate(dsn_));
  EXPECT_EQ(cluster_.Psql(database_, "SELECT * FROM herald.schema_migrations"), before);
  EXPECT_OK(CheckSchema(dsn_));
}

// By an arithmetic that cannot round.
TEST_F(MigrationsTest, GiveMomentsToTheMicrosecond) {
  ASSERT_OK(Migrate(dsn_));
  EXPECT_THAT(cluster_.Psql(database_,
                            "SELECT count(*), count(*) FILTER (WHERE herald.micros(t) <> "
                            "  (extract(epoch FROM t) * 1000000)::bigint) "
                            "FROM (SELECT timestamptz '1970-01-01Z' + random() * interval '136 "
                            "      years' AS t FROM generate_series(1, 200000)) moments"),
              IsOkAndHolds(HasSubstr("200000|0")));
}

TEST_F(MigrationsTest, RunConcurrentlyAreAppliedOnce) {
  absl::Status results[4];
  std::vector<std::thread> migrators;
  for (absl::Status& result : results) {
    migrators.emplace_back([&] { result = Migrate(dsn_); });
  }
  for (std::thread& migrator : migrators) migrator.join();
  for (const absl::Status& result : results) EXPECT_OK(result);
  EXPECT_THAT(cluster_.Psql(database_,
                            "SELECT version, count(*) FROM herald.schema_migrations "
                            "WHERE version = 1 GROUP BY 1"),
              IsOkAndHolds(HasSubstr("1|1")));
}

TEST_F(MigrationsTest, RefuseAnAppliedMigrationThatChanged) {
  ASSERT_OK(Migrate(dsn_));
  ASSERT_OK(cluster_.Psql(database_, "UPDATE herald.schema_migrations SET checksum = 'other'"));
  const auto refused =
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("must not change"));
  EXPECT_THAT(Migrate(dsn_), refused);
  EXPECT_THAT(CheckSchema(dsn_), refused);
}

TEST_F(MigrationsTest, RefuseASchemaNewerThanTheBinary) {
  ASSERT_OK(Migrate(dsn_));
  ASSERT_OK(
      cluster_.Psql(database_, "INSERT INTO herald.schema_migrations VALUES (999, '0999_x', 'c')"));
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer binary"));
  EXPECT_THAT(Migrate(dsn_), refused);
  EXPECT_THAT(CheckSchema(dsn_), refused);
}

TEST_F(MigrationsTest, MissingMigrationsFailTheCheck) {
  EXPECT_THAT(CheckSchema(dsn_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("migrate it first")));
}

TEST_F(MigrationsTest, AFailedMigrationLeavesNothingBehind) {
  const std::vector<Migration> migrations = {
      {1, "0001_good", "CREATE TABLE herald.good (id int)", "a"},
      {2, "0002_bad", "CREATE TABLE herald.half (id int); SELECT 1/0", "b"}};
  EXPECT_THAT(Migrate(dsn_, migrations),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0002_bad")));
  EXPECT_THAT(cluster_.Psql(database_,
                            "SELECT max(version), to_regclass('herald.half') IS NULL "
                            "FROM herald.schema_migrations"),
              IsOkAndHolds(HasSubstr("1|t")));
}

TEST_F(MigrationsTest, NeedNoSuperuserAndTheOwnerIsBoundByRowLevelSecurity) {
  ASSERT_OK(
      cluster_.Psql(database_,
                    "DROP ROLE IF EXISTS owner; CREATE ROLE owner LOGIN CREATEROLE NOINHERIT; "
                    "GRANT CREATE ON DATABASE " +
                        database_ + " TO owner"));
  const std::string dsn = dsn_ + " user=owner";
  ASSERT_OK(Migrate(dsn));
  ASSERT_OK(CheckSchema(dsn));
  ConnectionPool pool({.dsn = dsn, .max_connections = 1});
  const absl::StatusOr<int64_t> seen = RunTransaction(
      pool, {.role = DatabaseRole::kEngine, .name = "owner"},
      [](Transaction& transaction) -> absl::StatusOr<int64_t> {
        transaction.Exec({"insert",
                          "INSERT INTO herald.tenants (slug, display_name, "
                          "sender_domains) VALUES ('a', 'a', '{}')"});
        transaction.ExecScript({"reset", "SET LOCAL ROLE owner"});
        return Int64Of(transaction.Exec({"count", "SELECT count(*) FROM herald.tenants"})[0][0]);
      });
  EXPECT_THAT(seen, IsOkAndHolds(0));
}

// As of a release before 0003; what it filled in was hidden from an owner without rows of its own.
TEST_F(MigrationsTest, FillInTheAddressesOfEarlierSuppressions) {
  ASSERT_OK(cluster_.Psql(database_,
                          "CREATE ROLE late_owner LOGIN CREATEROLE NOINHERIT; "
                          "GRANT CREATE ON DATABASE " +
                              database_ + " TO late_owner"));
  const std::string dsn = dsn_ + " user=late_owner";
  ASSERT_OK(Migrate(dsn, {EmbeddedMigrations().front()}));
  ASSERT_OK(cluster_.Psql(
      database_,
      "INSERT INTO herald.emails (tenant_id, email_id, state, lane, test, template_version, "
      "  expire_time, create_time, update_time, category, template_key, user_id, from_address, "
      "  from_name, idempotency_key, metadata, traceparent, recipient_hash, recipient_sealed) "
      "VALUES (1, 7, 8, 2, false, 0, now(), now(), now(), 'c', '', '', '', '', 'k', '{}', '', "
      "  'hash', 'sealed'); "
      "INSERT INTO herald.suppressions (tenant_id, address_hash, reason, source, source_email_id) "
      "VALUES (1, 'hash', 'hard_bounce', 'resend', 7), (1, 'other', 'manual', 'operator', NULL), "
      "  (2, 'hash', 'hard_bounce', 'resend', 7)"));
  ASSERT_OK(Migrate(dsn));
  EXPECT_THAT(cluster_.Psql(database_,
                            "SELECT tenant_id, convert_from(address_hash, 'UTF8'), "
                            "  convert_from(address_sealed, 'UTF8') "
                            "FROM herald.suppressions ORDER BY 1, 2"),
              IsOkAndHolds(std::string("1|hash|sealed\n1|other|\n2|hash|")));
}

TEST_F(MigrationsTest, RefuseARoleThatBypassesRowLevelSecurity) {
  ASSERT_OK(Migrate(dsn_));
  ASSERT_OK(cluster_.Psql(database_, "ALTER ROLE herald_api BYPASSRLS"));
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("herald_api"));
  EXPECT_THAT(Migrate(dsn_), refused);
  EXPECT_THAT(CheckSchema(dsn_), refused);
  ASSERT_OK(cluster_.Psql(database_, "ALTER ROLE herald_api NOBYPASSRLS"));
  EXPECT_OK(CheckSchema(dsn_));
}

TEST_F(MigrationsTest, SayWhyThereIsNoConnectionWithoutNamingAnybody) {
  const auto message = [](const std::string& dsn) { return CheckSchema(dsn).ToString(); };
  EXPECT_EQ(message(cluster_.Dsn("nowhere")),
            "UNAVAILABLE: the database cannot be reached: no such database");
  EXPECT_EQ(message(dsn_ + " user=stranger"),
            "UNAVAILABLE: the database cannot be reached: no such role");
  ASSERT_OK(cluster_.Psql(database_, "DROP ROLE IF EXISTS guest; CREATE ROLE guest NOLOGIN"));
  EXPECT_EQ(message(dsn_ + " user=guest"),
            "UNAVAILABLE: the database cannot be reached: the role may not log in");
  EXPECT_EQ(message("host=127.0.0.1 port=1 dbname=x"),
            "UNAVAILABLE: the database cannot be reached: refused");
  for (const char* malformed :
       {"hots=db", "host=127.0.0.1 port=abc", "host=a,b port=1,2,3", "postgres://h/d?foo=1"}) {
    EXPECT_EQ(message(malformed),
              "INVALID_ARGUMENT: database.dsn: the connection string is malformed");
  }
}

TEST_F(MigrationsTest, AnUnreachableDatabaseIsUnavailable) {
  EXPECT_THAT(Migrate("host=127.0.0.1 port=1 dbname=x"), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace herald::storage
