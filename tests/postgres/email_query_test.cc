// How lists of emails find theirs: by plan, and by key.
#include "storage/postgres/email_query.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class EmailQueryTest : public EmailFixture {
 protected:
  // The plan of a list by key or of those DEAD, as a tenant's transaction gets it.
  std::string PlanByKey() { return Plan(FindEmailsSql(EmailOrder::kNewestFirst, false), "key-7"); }
  std::string PlanOfDead() {
    return Plan(FindEmailsSql(EmailOrder::kNewestFirst, true), "", "'{10}'");
  }
  std::string Plan(const std::string& statement, const std::string& key,
                   const std::string& states = "NULL") {
    const std::string tenant = absl::StrCat(a_.value);
    const std::string sql = absl::StrReplaceAll(statement, {{"$1::", tenant + "::"},
                                                            {"$2::", "NULL::"},
                                                            {"$3::", "''::"},
                                                            {"$4::", states + "::"},
                                                            {"$5::", states + "::"},
                                                            {"$6::", "0::"},
                                                            {"$7::", "''::"},
                                                            {"$8::", "''::"},
                                                            {"$9::", absl::StrCat("'", key, "'::")},
                                                            {"$10::", "''::"},
                                                            {"$12::", "NULL::"},
                                                            {"$13::", "0::"},
                                                            {"$11::", "NULL::"},
                                                            {"$14::", "9223372036854775807::"},
                                                            {"$15::", "50::"},
                                                            {"$16::", "false::"}});
    return Sql(absl::StrCat("BEGIN; SET LOCAL ROLE herald_api; SET LOCAL herald.tenant_id = '",
                            tenant, "'; EXPLAIN ", sql, "; COMMIT"));
  }
  std::vector<EmailId> Find(const EmailQuery& query) {
    const absl::StatusOr<std::vector<EmailRecord>> records = emails_.ListEmails(a_, query);
    EXPECT_OK(records);
    std::vector<EmailId> ids;
    for (const EmailRecord& record : *records) ids.push_back(record.id);
    return ids;
  }
};

TEST_F(EmailQueryTest, AKeyIsFoundByTheUniqueKeyOfKeys) {
  for (int i = 0; i < 500; ++i) Accept(absl::StrCat("key-", i));
  Sql(absl::StrCat("INSERT INTO herald.idempotency_keys SELECT ", a_.value, ", 'more-' || n, '\\x",
                   std::string(64, 'a'), "', n, now() FROM generate_series(1, 20000) n"));
  Sql("ANALYZE herald.emails; ANALYZE herald.idempotency_keys");
  const std::string plan = PlanByKey();
  EXPECT_THAT(plan, HasSubstr("idempotency_keys_pkey")) << plan;
  EXPECT_THAT(plan, ::testing::ContainsRegex("emails_pkey on emails e .*\n.*email_id = [$][0-9]"))
      << plan;
  EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on emails"))) << plan;
}

TEST_F(EmailQueryTest, AKeyThatIsNoLongerKeptIsFoundWithinTimesOnly) {
  const EmailId old = Accept("key-1");
  EmailQuery query;
  query.idempotency_key = "key-1";
  EXPECT_THAT(Find(query), ::testing::ElementsAre(old));
  Sql("DELETE FROM herald.idempotency_keys");
  EXPECT_THAT(Find(query), ::testing::IsEmpty());
  query.create_time_from = absl::Now() - absl::Hours(24);
  EXPECT_THAT(Find(query), ::testing::ElementsAre(old));
  const EmailId again = Accept("key-1");
  EXPECT_THAT(Find(query), ::testing::ElementsAre(again, old));
}

TEST_F(EmailQueryTest, DeadEmailsAreFoundWithoutTheOthers) {
  Sql(absl::StrCat(
      "INSERT INTO herald.emails (tenant_id, email_id, state, lane, test, template_version, "
      "expire_time, create_time, update_time, category, template_key, user_id, from_address, "
      "from_name, idempotency_key, metadata, traceparent, recipient_hash, recipient_sealed) "
      "SELECT ",
      a_.value,
      ", n, 5, 2, false, 0, now(), now(), now(), '', '', '', '', '', 'k' || n, '', '', "
      "sha256(n::text::bytea), '' FROM generate_series(1, 50000) n"));
  Sql("UPDATE herald.emails SET state = 10 WHERE email_id <= 10");
  Sql("ANALYZE herald.emails; ANALYZE herald.dead_emails");
  const std::string plan = PlanOfDead();
  EXPECT_THAT(plan, ::testing::ContainsRegex("emails_pkey on emails e .*\n.*email_id = d.email_id"))
      << plan;
  EXPECT_THAT(plan, Not(HasSubstr("Seq Scan on emails"))) << plan;
}

TEST_F(EmailQueryTest, TheDeadAreThoseWhoseStateSaysSo) {
  const EmailId redriven = Accept("key-1");
  const EmailId pruned = Accept("key-2");
  const EmailId dead = Accept("key-3");
  Accept("key-4");
  EmailQuery query;
  query.states = {EmailState::kDead};
  EXPECT_THAT(Find(query), ::testing::IsEmpty());
  Sql(absl::StrCat("UPDATE herald.emails SET state = 10 WHERE email_id <= ", dead.value));
  EXPECT_THAT(Find(query), ::testing::ElementsAre(dead, pruned, redriven));
  query.before = dead;
  EXPECT_THAT(Find(query), ::testing::ElementsAre(pruned, redriven));
  query.before.reset();
  // As a tenant's transaction does it, and as the pruning duty does.
  Sql(absl::StrCat("BEGIN; SET LOCAL ROLE herald_api; SET LOCAL herald.tenant_id = '", a_.value,
                   "'; UPDATE herald.emails SET state = 2 WHERE email_id = ", redriven.value,
                   "; COMMIT"));
  Sql(absl::StrCat(
      "BEGIN; SET LOCAL ROLE herald_engine; DELETE FROM herald.emails WHERE email_id = ",
      pruned.value, "; COMMIT"));
  EXPECT_THAT(Find(query), ::testing::ElementsAre(dead));
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.dead_emails"), "1");
}

// An index of emails on their state would make every change of a state write all indexes.
TEST_F(EmailQueryTest, AChangeOfStateIsAHeapOnlyUpdate) {
  EXPECT_EQ(Sql("SELECT count(*) FROM pg_index i WHERE i.indrelid = 'herald.emails'::regclass "
                "AND pg_get_indexdef(i.indexrelid) ~ '\\mstate\\M'"),
            "0");
}

}  // namespace
}  // namespace herald::storage
