#include "server/webhook/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace herald::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kUrlEncoded[] = "application/x-www-form-urlencoded";
constexpr char kMultipart[] = "multipart/form-data; boundary=---FormBoundaryjWmhtjORrn";

TEST(FormTest, ReadsTheUrlEncodedExampleOfRfc8058) {
  const auto form = ParseForm(kUrlEncoded, "List-Unsubscribe=One-Click");
  ASSERT_TRUE(form.has_value());
  EXPECT_THAT(*form, ElementsAre(Pair("List-Unsubscribe", "One-Click")));
}

TEST(FormTest, ReadsTheMultipartExampleOfRfc8058) {
  const auto form = ParseForm(kMultipart,
                              "-----FormBoundaryjWmhtjORrn\r\n"
                              "Content-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n"
                              "One-Click\r\n"
                              "-----FormBoundaryjWmhtjORrn--\r\n");
  ASSERT_TRUE(form.has_value());
  EXPECT_THAT(*form, ElementsAre(Pair("List-Unsubscribe", "One-Click")));
}

TEST(FormTest, ReadsSeveralPartsWithOtherHeadersAndAPreamble) {
  const auto form = ParseForm("Multipart/Form-Data; charset=utf-8; Boundary=\"b\"",
                              "ignored\r\n--b\r\nContent-Type: text/plain\r\n"
                              "content-disposition: form-data; name=a\r\n\r\n1\r\n2\r\n--b\r\n"
                              "Content-Disposition: form-data; name=\"b\"\r\n\r\n\r\n--b--");
  ASSERT_TRUE(form.has_value());
  EXPECT_THAT(*form, ElementsAre(Pair("a", "1\r\n2"), Pair("b", "")));
}

TEST(FormTest, DecodesEscapesAndKeepsRepeatedFields) {
  const auto form = ParseForm("application/x-www-form-urlencoded; charset=UTF-8",
                              "category=a%2eb&category=c+d&&empty=&action\r\n");
  ASSERT_TRUE(form.has_value());
  EXPECT_THAT(*form, ElementsAre(Pair("category", "a.b"), Pair("category", "c d"),
                                 Pair("empty", ""), Pair("action", "")));
}

TEST(FormTest, ReadsThePageOfChoicesWithEveryCategoryTicked) {
  std::string body;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&body, "category=c", i, "&");
  const auto form = ParseForm(kUrlEncoded, body + "action=save");
  ASSERT_TRUE(form.has_value());
  EXPECT_EQ(form->size(), 101u);
  EXPECT_EQ(FieldOf(*form, "action"), "save");
}

TEST(FormTest, RefusesWhatIsNotWellFormed) {
  EXPECT_FALSE(ParseForm("application/json", "{}").has_value());
  EXPECT_FALSE(ParseForm(kUrlEncoded, "a=%4").has_value());
  EXPECT_FALSE(ParseForm(kUrlEncoded, "a=%zz").has_value());
  EXPECT_FALSE(ParseForm("multipart/form-data", "--\r\n").has_value());
  EXPECT_FALSE(ParseForm(kMultipart, "").has_value());
  EXPECT_FALSE(ParseForm("multipart/form-data; boundary=b", "--b\r\n--b--").has_value());
  EXPECT_FALSE(ParseForm("multipart/form-data; boundary=b",
                         "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nnever ends")
                   .has_value());
  std::string many;
  for (int i = 0; i < 129; ++i) absl::StrAppend(&many, "a=1&");
  EXPECT_FALSE(ParseForm(kUrlEncoded, many).has_value());
}

// Meant for the sanitizers: any bytes end in a form or in none.
TEST(FormTest, SurvivesRandomBodies) {
  std::mt19937 random(1);
  const std::string pieces[] = {"--b", "\r\n", "--", "Content-Disposition: form-data; name=a",
                                "=",   "&",    "%4", "x",
                                "\"",  ";"};
  for (int round = 0; round < 20000; ++round) {
    std::string body;
    for (auto i = random() % 12; i > 0; --i) body += pieces[random() % std::size(pieces)];
    ParseForm("multipart/form-data; boundary=b", body);
    ParseForm(kUrlEncoded, body);
    ParseForm(body, body);
  }
}

}  // namespace
}  // namespace herald::webhook
