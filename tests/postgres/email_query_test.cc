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
  // The plan of a list by key, as a tenant's transaction gets it.
  std::string PlanByKey(const std::string& create_time_from) {
    const std::string tenant = absl::StrCat(a_.value);
    const std::string sql = absl::StrReplaceAll(FindEmailsSql(EmailOrder::kNewestFirst),
                                                {{"$1::", tenant + "::"},
                                                 {"$2::", "NULL::"},
                                                 {"$3::", "''::"},
                                                 {"$4::", "NULL::"},
                                                 {"$5::", "NULL::"},
                                                 {"$6::", "0::"},
                                                 {"$7::", "''::"},
                                                 {"$8::", "''::"},
                                                 {"$9::", "'key-7'::"},
                                                 {"$10::", "''::"},
                                                 {"$12::", "NULL::"},
                                                 {"$13::", "0::"},
                                                 {"$11::", create_time_from + "::"},
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
  const std::string plan = PlanByKey("NULL");
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

}  // namespace
}  // namespace herald::storage
