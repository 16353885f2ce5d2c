// Tenants take turns, and a claim's plan does not depend on how many emails wait.
#include <map>

#include "absl/strings/str_cat.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/queue_store_sql.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

// Tenants of the tests that the fixture does not make.
constexpr int64_t kNoisy = 1000;
constexpr int64_t kFirstQuiet = 2001;
constexpr int kQuiet = 20;

class FairClaimTest : public EmailFixture {
 protected:
  // Rows without addresses or contents: enough to be claimed, though not to be opened.
  void Insert(int64_t first_tenant, int tenants, int emails_each) {
    const std::string from =
        absl::StrCat(" FROM generate_series(", first_tenant, ", ", first_tenant + tenants - 1,
                     ") AS t (tenant), generate_series(1, ", emails_each, ") AS n (n)");
    Sql(absl::StrCat(
        "INSERT INTO herald.emails (tenant_id, email_id, state, lane, test, template_version, "
        "expire_time, create_time, update_time, category, template_key, user_id, from_address, "
        "from_name, idempotency_key, metadata, traceparent, recipient_hash, recipient_sealed) "
        "SELECT tenant, ",
        next_,
        " + n, 2, 4, false, 0, now() + interval '1 day', now(), now(), '', '', '', '', '', "
        "'', '', '', '', ''",
        from));
    Sql(
        absl::StrCat("INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time) "
                     "SELECT tenant, ",
                     next_, " + n, 4, now(), now() + interval '1 day'", from));
    next_ += emails_each;
  }
  // How many emails of each tenant a claim of 100 gives.
  std::map<int64_t, int> Claim(QueueStore& queue, const std::vector<TenantId>& except = {}) {
    const auto claimed = queue.Claim(Lane::kBulk, 100, absl::Seconds(60), except);
    EXPECT_OK(claimed);
    std::map<int64_t, int> counts;
    if (!claimed.ok()) return counts;
    for (const LeasedEmail& email : *claimed) ++counts[email.lease.tenant.value];
    return counts;
  }
  void ExpectHeadsOnly(const std::string& table, const char* claim, const std::string& before) {
    std::string sql = claim;
    const std::vector<std::pair<std::string, std::string>> values = {{"$12", "1"},
                                                                     {"$11", "100"},
                                                                     {"$10", "'{0}'"},
                                                                     {"$9", "'{-infinity}'"},
                                                                     {"$8", "'{1000}'"},
                                                                     {"$7", "'-infinity'"},
                                                                     {"$6", "50"},
                                                                     {"$5", "50"},
                                                                     {"$4", "'{1001,1002}'"},
                                                                     {"$3", "'60'"},
                                                                     {"$2", "100"},
                                                                     {"$1", "4"}};
    for (const auto& [from, to] : values) {
      for (size_t at = sql.find(from); at != std::string::npos; at = sql.find(from)) {
        sql.replace(at, from.size(), to);
      }
    }
    const std::string plan = Sql(absl::StrCat(before, "EXPLAIN ", sql));
    EXPECT_THAT(plan, HasSubstr(absl::StrCat("Index Scan using ", table, "_due on ", table, " d")));
    EXPECT_THAT(plan, Not(HasSubstr(absl::StrCat("Seq Scan on ", table)))) << plan;
    EXPECT_THAT(plan, Not(HasSubstr("Sort Key: d.run_at"))) << plan;
  }
  int64_t next_ = 1;
};

TEST_F(FairClaimTest, ANoisyTenantDelaysTheOthersByNoMoreThanAClaim) {
  Insert(kNoisy, 1, 200000);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Claim(queue_), Contains(Pair(kNoisy, 100)));
  Insert(kFirstQuiet, kQuiet, 1);
  const std::map<int64_t, int> shared = Claim(queue_);
  EXPECT_THAT(shared, SizeIs(kQuiet + 1)) << "each of the quiet ones, and the noisy one";
}

TEST_F(FairClaimTest, TenantsWithLongLinesGetEqualShares) {
  Insert(kNoisy, 1, 3000);
  Insert(kFirstQuiet, 3, 600);
  std::map<int64_t, int> total;
  for (int i = 0; i < 20; ++i) {
    for (const auto& [tenant, count] : Claim(queue_)) total[tenant] += count;
  }
  for (int64_t quiet = kFirstQuiet; quiet < kFirstQuiet + 3; ++quiet) {
    EXPECT_GE(total[quiet], 400) << "of 2000, a quarter is 500";
  }
  EXPECT_GE(total[kNoisy], 400);
}

TEST_F(FairClaimTest, TenantsThatAreLeftOutGetNothingUntilTheyAreNot) {
  Insert(kNoisy, 1, 400);
  EXPECT_THAT(Claim(queue_), Contains(Pair(kNoisy, 100)));
  EXPECT_THAT(Claim(queue_, {TenantId{kNoisy}}), IsEmpty());
  Insert(kFirstQuiet, kQuiet, 1);
  const std::map<int64_t, int> others = Claim(queue_, {TenantId{kNoisy}});
  EXPECT_THAT(others, SizeIs(kQuiet));
  EXPECT_EQ(others.count(kNoisy), 0u);
  int rest = 0;
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Claim(queue_, {TenantId{kNoisy}}), IsEmpty());
    for (const auto& [tenant, emails] : Claim(queue_)) rest += emails;
  }
  EXPECT_EQ(rest, 300);
}

TEST_F(FairClaimTest, EveryEmailIsClaimedOnceByTwoClaimers) {
  Insert(kNoisy, 1, 1500);
  Insert(kFirstQuiet, kQuiet, 30);
  PostgresQueueStore other(database_.pool(), keys_);
  int claimed = 0;
  for (int count = -1; count != 0; claimed += count) {
    count = 0;
    for (QueueStore* queue :
         {static_cast<QueueStore*>(&queue_), static_cast<QueueStore*>(&other)}) {
      for (const auto& [tenant, emails] : Claim(*queue)) count += emails;
    }
  }
  EXPECT_EQ(claimed, 1500 + kQuiet * 30);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.queue WHERE lease_until IS NULL"), "0");
}

TEST_F(FairClaimTest, WhatFallsDueBehindTheClaimersPlaceIsFound) {
  Insert(kNoisy, 1, 300);
  EXPECT_THAT(Claim(queue_), Contains(Pair(kNoisy, 100)));
  // A transaction that began long ago commits only now.
  Sql("UPDATE herald.queue SET run_at = now() - interval '1 hour' WHERE email_id = 300");
  int claimed = 0;
  for (int i = 0; i < 3; ++i) {
    for (const auto& [tenant, emails] : Claim(queue_)) claimed += emails;
  }
  EXPECT_EQ(claimed, 200);
}

TEST_F(FairClaimTest, TheFirstClaimHasMoreTimeThanOtherStatements) {
  Sql("CREATE TABLE herald.limits (statement text);"
      "GRANT INSERT ON herald.limits TO herald_engine;"
      "CREATE FUNCTION herald.note_limit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "INSERT INTO herald.limits VALUES (current_setting('statement_timeout')); RETURN NULL; "
      "END $$;"
      "CREATE TRIGGER note_limit AFTER UPDATE ON herald.queue "
      "FOR EACH STATEMENT EXECUTE FUNCTION herald.note_limit()");
  Insert(kNoisy, 1, 150);
  for (int i = 0; i < 3; ++i) Claim(queue_);
  EXPECT_EQ(Sql("SELECT string_agg(DISTINCT statement, ',' ORDER BY statement) "
                "FROM herald.limits"),
            "20s,5s");
  EXPECT_EQ(Sql("SELECT statement FROM herald.limits LIMIT 1"), "20s");
}

TEST_F(FairClaimTest, AClaimReadsTheHeadsOfLinesOnly) {
  Insert(kNoisy, 1, 50000);
  // As many chunks as emails.
  Sql("INSERT INTO herald.chunks (tenant_id, chunk_id, lane, run_at, expire_time, email_ids) "
      "SELECT tenant_id, email_id, lane, run_at, expire_time, ARRAY[email_id] FROM herald.queue");
  for (const auto& [table, claim] :
       {std::pair("queue", queue_sql::kClaim.sql), std::pair("chunks", chunk_sql::kClaim.sql)}) {
    ExpectHeadsOnly(table, claim, "");
    ExpectHeadsOnly(table, claim, absl::StrCat("ANALYZE herald.", table, ";"));
  }
}

}  // namespace
}  // namespace herald::storage
