#include "storage/postgres/kept_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/postgres/connection_pool.h"
#include "storage/postgres/email_store_sql.h"
#include "storage/postgres/migrations.h"
#include "storage/postgres/transaction.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class KeptQueriesTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(Migrate(dsn_)); }

  std::string Psql(const std::string& sql) { return cluster_.Psql(database_, sql).value(); }
  // "herald.take_keys_0123abcd"
  static std::string FunctionOf(const KeptQuery& query) {
    const std::string& call = KeptCall(query);
    const size_t begin = call.find("herald.");
    return call.substr(begin, call.find('(') - begin);
  }

  support::PostgresCluster& cluster_ = support::PostgresCluster::Shared();
  const std::string database_ = cluster_.CreateDatabase().value();
  const std::string dsn_ = cluster_.Dsn(database_);
};

TEST_F(KeptQueriesTest, AreCalledByANameThatChangesWithWhatTheyDo) {
  EXPECT_THAT(KeptCall(email_sql::kTakeKeys), StartsWith("SELECT * FROM herald.take_keys_"));
  EXPECT_THAT(KeptCall(email_sql::kTakeKeys), HasSubstr("($1,$2,$3,$4,$5)"));
  EXPECT_NE(FunctionOf(email_sql::kTakeKeys), FunctionOf(email_sql::kReadKeys));
}

TEST_F(KeptQueriesTest, OneThatIsMissingIsNamedByTheCheckAndMadeByTheNextMigration) {
  ASSERT_OK(CheckSchema(dsn_));
  const std::string function = FunctionOf(email_sql::kTakeKeys);
  Psql("DROP FUNCTION " + function);
  EXPECT_THAT(CheckSchema(dsn_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(function)));
  ASSERT_OK(Migrate(dsn_));
  EXPECT_OK(CheckSchema(dsn_));
}

TEST_F(KeptQueriesTest, ThoseOfAnotherReleaseStay) {
  Psql("CREATE FUNCTION herald.take_keys_of_old() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  ASSERT_OK(Migrate(dsn_));
  EXPECT_EQ(Psql("SELECT herald.take_keys_of_old()"), "1");
}

// A plan made while a table is empty would read it whole; kept, it would go on to.
TEST_F(KeptQueriesTest, PlanForTablesThatWillGrow) {
  ConnectionPool pool({.dsn = dsn_, .max_connections = 1});
  const TransactionOptions options = {.role = DatabaseRole::kApi, .tenants = {TenantId{1}}};
  struct Seen {
    size_t rows;
    int64_t whole_reads;  // of the table, by this transaction
  };
  const auto read = [&] {
    return RunTransaction(pool, options, [](Transaction& transaction) -> absl::StatusOr<Seen> {
      const size_t rows = transaction.Call(email_sql::kReadKeys, "{1}", "{k7}").size();
      const pqxx::result scans =
          transaction.Exec(NamedQuery{"whole_reads",
                                      "SELECT seq_scan FROM pg_stat_xact_user_tables"
                                      " WHERE relname = 'idempotency_keys'"});
      return Seen{rows, scans[0][0].as<int64_t>()};
    });
  };
  Psql("VACUUM ANALYZE herald.idempotency_keys");
  ASSERT_OK_AND_ASSIGN(const Seen empty, read());
  EXPECT_EQ(empty.rows, 0U);
  Psql(
      "INSERT INTO herald.idempotency_keys (tenant_id, idempotency_key, request_hash, email_id,"
      " expire_time) SELECT 1, 'k' || i, decode(repeat('00', 32), 'hex'), i,"
      " now() + interval '1 hour' FROM generate_series(1, 20000) i");
  ASSERT_OK_AND_ASSIGN(const Seen grown, read());
  EXPECT_EQ(grown.rows, 1U);
  EXPECT_EQ(grown.whole_reads, 0);
}

}  // namespace
}  // namespace herald::storage
