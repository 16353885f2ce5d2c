#include <gmock/gmock.h>

#include <random>

#include "server/audience/filter/filter_limits.h"
#include "server/audience/filter/parser.h"
#include "tests/support/contact_matcher.h"
#include "tests/support/status_matchers.h"

namespace herald::audience {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;
using ::testing::StartsWith;

storage::ContactRecord Anna() {
  storage::ContactRecord anna;
  anna.id = FirstContactIdAt(absl::FromCivil(absl::CivilDay(2026, 3, 1), absl::UTCTimeZone()));
  anna.email = "Anna@example.com";
  anna.user_id = "u-1";
  anna.locale = "pt-BR";
  anna.tags = {"beta", "premium"};
  anna.attributes = R"({"age":41,"plan":"pro","active":true,"cities":["Rome","Lima"],
                        "address":{"zip":"10115"},"none":null})";
  anna.update_time = absl::FromCivil(absl::CivilDay(2026, 6, 1), absl::UTCTimeZone());
  return anna;
}

bool MatchesAnna(absl::string_view filter) {
  const absl::StatusOr<storage::FilterNode> parsed = ParseFilter(filter);
  EXPECT_OK(parsed) << filter;
  return parsed.ok() && support::Matches(*parsed, Anna());
}

std::string ErrorOf(absl::string_view filter) {
  const absl::Status status = ParseFilter(filter).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << filter;
  return std::string(status.message());
}

TEST(FilterTest, WhatItSaysOfAContactThatHasIt) {
  for (const char* filter :
       {"",
        "  ",
        "tags:premium",
        "tags:\"premium\"",
        "tags:*",
        "NOT tags:gold",
        "tags:premium AND attributes.plan = \"pro\" AND created_time > \"2026-01-01\"",
        "state = SUBSCRIBED",
        "state != UNSUBSCRIBED",
        "email = \"ANNA@Example.com\"",
        "user_id = \"u-1\"",
        "user_id:*",
        "locale = pt-BR",
        "NOT time_zone:*",
        "time_zone = \"\"",
        "create_time = \"2026-03-01T00:00:00Z\"",
        "create_time <= '2026-03-01'",
        "update_time >= \"2026-06-01T02:00:00+02:00\"",
        "attributes.age > 40",
        "attributes.age >= 41.0",
        "attributes.age = 4.1e1",
        "attributes.plan < \"qux\"",
        "attributes.plan = pro",
        "attributes.active = true",
        "attributes.cities:Lima",
        "attributes.plan:pro",
        "attributes.address.zip = \"10115\"",
        "attributes.address:*",
        "(tags:gold OR (attributes.plan = pro AND NOT tags:gold))",
        "tags:gold OR tags:silver OR tags:beta"}) {
    EXPECT_TRUE(MatchesAnna(filter)) << filter;
  }
}

TEST(FilterTest, WhatItSaysOfAContactThatHasItNot) {
  for (const char* filter :
       {"NOT tags:*", "tags:Premium", "state = UNSUBSCRIBED", "email != \"anna@example.com\"",
        "attributes.age > 41", "attributes.age = \"41\"", "attributes.plan > 3",
        "attributes.plan = PRO", "attributes.active = false", "attributes.cities = Lima",
        "attributes.address.zip = 10115", "attributes.address.zip.deep:*", "attributes.none:*",
        "attributes.missing < 5", "create_time < \"2026-03-01\"", "time_zone:*"}) {
    EXPECT_FALSE(MatchesAnna(filter)) << filter;
  }
}

TEST(FilterTest, NotOfAnAttributeThatIsNotThereIsTrue) {
  EXPECT_TRUE(MatchesAnna("NOT attributes.missing = \"x\""));
  EXPECT_TRUE(MatchesAnna("attributes.missing != \"x\""));
  EXPECT_TRUE(MatchesAnna("NOT attributes.missing > 5"));
  EXPECT_TRUE(MatchesAnna("NOT attributes.plan > 5"));
}

TEST(FilterTest, AnErrorSaysWhereAndWhat) {
  EXPECT_EQ(ErrorOf("tags:a AND"), "at character 11: expected a field, NOT or (");
  EXPECT_EQ(ErrorOf("tags:a AND tags:b OR tags:c"),
            "at character 19: AND and OR are mixed; say with ( ) what is meant");
  EXPECT_THAT(ErrorOf("tags:a and tags:b"), StartsWith("at character 8: expected AND"));
  EXPECT_THAT(ErrorOf("plan = pro"), StartsWith("at character 1: unknown field; there are tags"));
  EXPECT_THAT(ErrorOf("tags = a"), StartsWith("at character 6: this field takes a colon"));
  EXPECT_THAT(ErrorOf("(tags:a"), StartsWith("at character 8: expected AND, OR or )"));
  EXPECT_THAT(ErrorOf("tags:a)"), StartsWith("at character 7: there is no ("));
  EXPECT_THAT(ErrorOf("tags:\"a"), StartsWith("at character 6: the quote is not closed"));
  EXPECT_THAT(ErrorOf("tags:\"a\\n\""), StartsWith("at character 9: only"));
  EXPECT_THAT(ErrorOf("state = GONE"), StartsWith("at character 9: a state is SUBSCRIBED or"));
  EXPECT_THAT(ErrorOf("create_time > yesterday"), StartsWith("at character 15: a time is"));
  EXPECT_THAT(ErrorOf("create_time : *"), StartsWith("at character 15: a time is"));
  EXPECT_THAT(ErrorOf("attributes.a > true"), StartsWith("at character 14: this field takes"));
  EXPECT_THAT(ErrorOf("attributes.a > 1e999"), StartsWith("at character 16: the number is"));
  EXPECT_THAT(ErrorOf("attributes.0 = 1"), StartsWith("at character 1: an attribute is written"));
  EXPECT_THAT(ErrorOf("attributes.a = *"), StartsWith("at character 16: * follows a colon only"));
  EXPECT_THAT(ErrorOf("email = \"nobody\""), StartsWith("at character 9: there is no @"));
  EXPECT_THAT(ErrorOf("tags ! a"), StartsWith("at character 6: expected = after !"));
  EXPECT_THAT(ErrorOf("tags:a; DROP TABLE"), StartsWith("at character 7: unexpected character"));
}

TEST(FilterTest, ThePlaceCountsCharactersNotBytes) {
  EXPECT_THAT(ErrorOf("tags:\"äöü\" AND"), StartsWith("at character 15:"));
}

TEST(FilterTest, AnErrorRepeatsNoValue) {
  EXPECT_THAT(ErrorOf("email = \"secret name@\""), ::testing::Not(HasSubstr("secret")));
}

std::string Repeat(absl::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) absl::StrAppend(&all, text);
  return all;
}

TEST(FilterTest, AFilterBeyondALimitFailsAlone) {
  const std::string deepest =
      absl::StrCat(Repeat("(", kFilterDepthMax), "tags:a", Repeat(")", kFilterDepthMax));
  EXPECT_OK(ParseFilter(deepest));
  EXPECT_THAT(ErrorOf(absl::StrCat("(", deepest, ")")), HasSubstr("more than 16 levels"));
  EXPECT_THAT(ErrorOf(Repeat("(", 8000)), HasSubstr("more than 16 levels"));
  EXPECT_THAT(ErrorOf(Repeat("NOT ", 2000)), HasSubstr("more than 16 levels"));
  const std::string most = absl::StrCat("tags:a", Repeat(" OR tags:a", kFilterTermsMax - 1));
  EXPECT_OK(ParseFilter(most));
  EXPECT_THAT(ErrorOf(absl::StrCat(most, " OR tags:a")), HasSubstr("more than 64 comparisons"));
  EXPECT_THAT(ErrorOf(std::string(kFilterBytesMax + 1, ' ')), HasSubstr("longer than 8192 bytes"));
}

// Random bytes, and random sequences of what filters are made of: an answer every time.
TEST(FilterTest, SurvivesAnything) {
  std::mt19937 random(20261122);
  const char* const pieces[] = {
      "tags", "attributes.a", ":", "=",  "!=", "<",    ">=", "(",    ")",     "NOT ",  "*", " AND ",
      " OR ", "\"x\"",        "'", "\\", "-1", "true", "\0", "\xff", "state", "email", " ", "2026"};
  int parsed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string filter;
    const int length = static_cast<int>(random() % 12);
    for (int k = 0; k < length; ++k) {
      if (i % 4 == 0) {
        filter.push_back(static_cast<char>(random()));
      } else {
        filter += pieces[random() % std::size(pieces)];
      }
    }
    const absl::StatusOr<storage::FilterNode> node = ParseFilter(filter);
    if (node.ok()) {
      ++parsed;
      (void)support::Matches(*node, Anna());
    } else {
      EXPECT_EQ(node.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
  EXPECT_GT(parsed, 1000);
}

}  // namespace
}  // namespace herald::audience
