// Filters in PostgreSQL: the same contacts as worked out in memory, and by an index.

#include <gmock/gmock.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "storage/postgres/contact_filter_sql.h"
#include "storage/postgres/transaction.h"
#include "tests/postgres/contact_fixture.h"
#include "tests/support/contact_matcher.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using Random = std::mt19937;

template <size_t N>
std::string Pick(Random& random, const char* const (&choices)[N]) {
  return choices[random() % N];
}

// Values that meet: few of each kind, among them the awkward.
std::string RandomAttributes(Random& random) {
  static constexpr const char* kNames[] = {"plan", "age", "flag", "cities", "address", "0", "_x"};
  static constexpr const char* kValues[] = {"\"pro\"",
                                            "\"\"",
                                            "\"free\"",
                                            "\"Ä\"",
                                            "\"41\"",
                                            "41",
                                            "41.0",
                                            "-1.5",
                                            "0.30000000000000004",
                                            "1e300",
                                            "true",
                                            "false",
                                            "null",
                                            "[]",
                                            "[\"pro\",41,true]",
                                            "[[\"pro\"]]",
                                            "{}",
                                            "{\"zip\":\"10115\",\"plan\":\"pro\"}",
                                            "{\"zip\":[10115]}"};
  std::string json = "{";
  for (const char* name : kNames) {
    if (random() % 3 == 0) continue;
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "\"", name, "\":", Pick(random, kValues));
  }
  return json + "}";
}

std::string RandomTerm(Random& random) {
  static constexpr const char* kTags[] = {"tags:premium", "tags:beta", "tags:none", "tags:*"};
  static constexpr const char* kTexts[] = {
      "user_id = u1",  "user_id != u1",       "user_id:*",          "locale = de",
      "locale != de",  "time_zone = \"UTC\"", "time_zone:*",        "email = \"U3@example.com\"",
      "locale = \"\"", "state = SUBSCRIBED",  "state != SUBSCRIBED"};
  static constexpr const char* kPaths[] = {"plan",        "age",         "flag", "cities",
                                           "address.zip", "address",     "_x",   "missing",
                                           "plan.deeper", "address.plan"};
  static constexpr const char* kComparisons[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
  static constexpr const char* kScalars[] = {"\"pro\"",
                                             "\"\"",
                                             "free",
                                             "\"Ä\"",
                                             "\"41\"",
                                             "41",
                                             "40.5",
                                             "-2",
                                             "10115",
                                             "1e300",
                                             "0.30000000000000004",
                                             "\"10115\""};
  switch (random() % 5) {
    case 0:
      return Pick(random, kTags);
    case 1:
      return Pick(random, kTexts);
    case 2:
      return absl::StrCat(random() % 2 == 0 ? "create_time " : "update_time ",
                          kComparisons[random() % 6], " \"2026-0", 1 + random() % 9,
                          "-01T00:00:00.000", random() % 3, "Z\"");
    case 3:
      return absl::StrCat("attributes.", Pick(random, kPaths),
                          random() % 3 == 0   ? ":*"
                          : random() % 2 == 0 ? " = true"
                                              : ":false");
    default:
      return absl::StrCat("attributes.", Pick(random, kPaths), " ", Pick(random, kComparisons), " ",
                          Pick(random, kScalars));
  }
}

std::string RandomFilter(Random& random, int depth) {
  switch (depth == 0 ? 0 : random() % 5) {
    case 1:
      return absl::StrCat("NOT (", RandomFilter(random, depth - 1), ")");
    case 2:
      return absl::StrCat("(", RandomFilter(random, depth - 1), ") AND (",
                          RandomFilter(random, depth - 1), ")");
    case 3:
      return absl::StrCat("(", RandomFilter(random, depth - 1), ") OR (",
                          RandomFilter(random, depth - 1), ") OR ", RandomTerm(random));
    case 4:
      return absl::StrCat("NOT ", RandomTerm(random));
    default:
      return RandomTerm(random);
  }
}

class ContactFilterTest : public ::testing::Test, protected ContactFixture {
 protected:
  NewContact RandomContact(Random& random, int number) {
    NewContact contact = New(absl::StrCat("u", number, "@example.com"));
    const absl::Time time = absl::FromCivil(
        absl::CivilMonth(2026, 1 + static_cast<int>(random() % 9)), absl::UTCTimeZone());
    // Ids are unique by their low bits; times repeat.
    contact.id =
        ContactId{FirstContactIdAt(time + absl::Milliseconds(random() % 3)).value + number};
    if (random() % 2 == 0) contact.user_id = random() % 2 == 0 ? "u1" : "u2";
    if (random() % 2 == 0) contact.locale = "de";
    if (random() % 2 == 0) contact.time_zone = "UTC";
    for (const char* tag : {"beta", "premium"}) {
      if (random() % 2 == 0) contact.tags.push_back(tag);
    }
    contact.attributes = RandomAttributes(random);
    if (random() % 3 == 0) contact.state = ContactState::kUnsubscribed;
    return contact;
  }

  std::string Explain(TenantId tenant, const std::string& filter) {
    const ContactCondition condition =
        CompileContactFilter(Filter(filter), [](absl::string_view) { return std::string(); });
    const std::string sql = absl::StrCat(
        "EXPLAIN SELECT c.contact_id FROM herald.contacts c WHERE c.tenant_id = $1::bigint AND "
        "c.delete_time IS NULL AND ",
        condition.sql, " LIMIT 2001");
    std::string plan;
    EXPECT_OK(RunTransaction(
        database.pool(), {.role = DatabaseRole::kEngine, .read_only = true, .name = "explain"},
        [&](Transaction& transaction) {
          for (const pqxx::row& row :
               transaction.Exec({"explain", sql.c_str()}, tenant, condition.values)) {
            absl::StrAppend(&plan, TextOf(row[0]), "\n");
          }
          return absl::OkStatus();
        }));
    return plan;
  }

  // Many contacts of tenant a, as filters meet them.
  void Populate(int count) {
    for (int from = 0; from < count; from += 5000) {
      std::vector<NewContact> rows;
      for (int i = from; i < std::min(count, from + 5000); ++i) {
        NewContact contact = New(absl::StrCat("u", i, "@example.com"));
        contact.tags = {"all", absl::StrCat("cohort_", i % 200)};
        contact.attributes = absl::StrCat("{\"plan\":\"", i % 5 == 0 ? "pro" : "free",
                                          "\",\"city\":\"c", i % 1000, "\"}");
        rows.push_back(std::move(contact));
      }
      ASSERT_OK(contacts.Upsert(a.id, rows));
    }
    database.Psql("VACUUM ANALYZE herald.contacts");
  }
  // Tags tenant a's contacts in the order in which they are drawn: so many after so many.
  void Tag(const std::string& tag, int count, int after = 0) {
    database.Psql(absl::StrCat("UPDATE herald.contacts SET tags = tags || '", tag,
                               "'::text WHERE contact_id IN (SELECT contact_id FROM "
                               "herald.contacts WHERE tenant_id = ",
                               a.id.value, " ORDER BY address_hash LIMIT ", count, " OFFSET ",
                               after, ")"));
  }
  SegmentCount CountOf(const std::string& filter) {
    absl::StatusOr<SegmentCount> count = contacts.Count(a.id, Filter(filter), 1);
    EXPECT_OK(count);
    return *std::move(count);
  }
};

TEST_F(ContactFilterTest, RandomFiltersFindWhatTheNaiveEvaluatorFinds) {
  Random random(4);
  std::vector<NewContact> rows;
  for (int i = 0; i < 250; ++i) rows.push_back(RandomContact(random, i));
  ASSERT_OK(contacts.Upsert(a.id, rows));
  ASSERT_OK(contacts.Upsert(b.id, rows));
  const std::vector<ContactId> all = FindAll(a.id, {});
  ASSERT_EQ(all.size(), rows.size());
  for (size_t i = 0; i < all.size(); i += 10) ASSERT_OK(contacts.Delete(a.id, all[i]));
  const std::vector<ContactId> left = FindAll(a.id, {});
  ASSERT_OK_AND_ASSIGN(const std::vector<ContactRecord> records, contacts.Load(a.id, left));
  int neither_all_nor_none = 0;
  for (int round = 0; round < 800; ++round) {
    const std::string text = RandomFilter(random, 3);
    const FilterNode filter = Filter(text);
    std::vector<ContactId> expected;
    for (const ContactRecord& record : records) {
      if (support::Matches(filter, record)) expected.push_back(record.id);
    }
    ASSERT_EQ(FindAll(a.id, filter), expected) << text;
    neither_all_nor_none += !expected.empty() && expected.size() < records.size();
  }
  EXPECT_GT(neither_all_nor_none, 300);  // else it says little
}

TEST_F(ContactFilterTest, NotIsTrueOfWhatIsNotThere) {
  NewContact with = New("with@example.com");
  with.attributes = R"({"plan":"pro","age":50})";
  const ContactId has = Add(a.id, with).id;
  const ContactId has_not = Add(a.id, New("without@example.com")).id;
  using ::testing::ElementsAre;
  EXPECT_THAT(FindAll(a.id, Filter("NOT attributes.plan = pro")), ElementsAre(has_not));
  EXPECT_THAT(FindAll(a.id, Filter("attributes.plan != pro")), ElementsAre(has_not));
  EXPECT_THAT(FindAll(a.id, Filter("NOT attributes.age > 40")), ElementsAre(has_not));
  EXPECT_THAT(FindAll(a.id, Filter("NOT attributes.age > 60")), ElementsAre(has, has_not));
  EXPECT_THAT(FindAll(a.id, Filter("NOT tags:x")), ElementsAre(has, has_not));
}

TEST_F(ContactFilterTest, ValuesAreNeverSql) {
  Add(a.id, New("anna@example.com"));
  const std::string attack = "x') OR true --";
  for (const std::string& filter :
       {absl::StrCat("tags:\"", attack, "\""), absl::StrCat("user_id = \"", attack, "\""),
        absl::StrCat("attributes.a = \"", attack, "\""),
        absl::StrCat("attributes.a < \"", attack, "\" AND attributes.a:\"", attack, "\"")}) {
    EXPECT_TRUE(FindAll(a.id, Filter(filter)).empty()) << filter;
  }
}

TEST_F(ContactFilterTest, TagsAndAttributesAreFoundByTheIndex) {
  Populate(20'000);
  for (const char* filter :
       {"tags:cohort_7", "attributes.city = c7", "tags:all AND attributes.city = c7",
        "tags:cohort_7 AND attributes.plan = pro AND NOT tags:gone",
        "tags:cohort_7 OR attributes.city:c9", "create_time < \"2025-01-01\" AND tags:all"}) {
    const std::string plan = Explain(a.id, filter);
    EXPECT_THAT(plan, ::testing::Not(::testing::HasSubstr("Seq Scan"))) << filter << "\n" << plan;
    EXPECT_THAT(plan, ::testing::ContainsRegex("contacts_by_label|contacts_pkey")) << plan;
  }
  EXPECT_THAT(Explain(a.id, "tags:cohort_7 AND attributes.plan = pro"),
              ::testing::HasSubstr("Bitmap Index Scan on contacts_by_label"));
}

TEST_F(ContactFilterTest, CountsFewExactlyAndEstimatesMany) {
  Populate(30'000);
  ASSERT_OK_AND_ASSIGN(const SegmentCount few, contacts.Count(a.id, Filter("tags:cohort_7"), 4));
  EXPECT_TRUE(few.exact);
  EXPECT_EQ(few.contacts, 150);
  EXPECT_EQ(few.sample.size(), 4u);
  ASSERT_OK_AND_ASSIGN(const SegmentCount many,
                       contacts.Count(a.id, Filter("attributes.plan = pro"), 50));
  EXPECT_FALSE(many.exact);
  EXPECT_NEAR(static_cast<double>(many.contacts), 6000, 900);  // five standard deviations
  EXPECT_EQ(many.sample.size(), 50u);
  EXPECT_NEAR(static_cast<double>(contacts.Count(a.id, {}, 1)->contacts), 30'000, 2500);
  EXPECT_EQ(contacts.Count(a.id, Filter("tags:none"), 5)->contacts, 0);
}

TEST_F(ContactFilterTest, TheCountIsExactUpToItsBoundAndNoFurther) {
  Populate(20'000);
  for (const int matches : {kExactCountMax - 1, kExactCountMax, kExactCountMax + 1}) {
    const std::string tag = absl::StrCat("some_", matches);
    // A tenth of them drawn, about half of what the whole would have.
    Tag(tag, matches / 10);
    Tag(tag, matches - matches / 10, 5000);
    const SegmentCount count = CountOf(absl::StrCat("tags:", tag));
    EXPECT_EQ(count.exact, matches <= kExactCountMax) << matches;
    EXPECT_EQ(count.contacts, matches);
  }
}

TEST_F(ContactFilterTest, AnUnluckyDrawFromManyContactsIsNoReasonToEstimateFew) {
  // Rows that only the count looks at: 200,000 sealed ones would take the test its time.
  database.Psql(absl::StrCat(
      "INSERT INTO herald.contacts (tenant_id, contact_id, address_hash, email_sealed, state) "
      "SELECT ",
      a.id.value, ", n, sha256(n::text::bytea), '\\x00', 1 FROM generate_series(1, 200000) n"));
  // Of 2000 in 200,000 some 41 are drawn as a rule; here more than twice as many.
  Tag("few", 90);
  Tag("few", 1910, 5000);
  const SegmentCount count = CountOf("tags:few");
  EXPECT_TRUE(count.exact);
  EXPECT_EQ(count.contacts, 2000);
}

}  // namespace
}  // namespace herald::storage
