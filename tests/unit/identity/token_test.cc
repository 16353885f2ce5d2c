#include "server/identity/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::identity {
namespace {

TEST(TokenTest, ParsesWhatItFormats) {
  const std::string secret = NewSecret();
  const std::string text = FormatToken(storage::TokenMode::kRestricted, ApiTokenId{77}, secret);
  const auto parsed = ParseToken(text);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->mode, storage::TokenMode::kRestricted);
  EXPECT_EQ(parsed->id, ApiTokenId{77});
  EXPECT_EQ(parsed->secret, secret);
}

TEST(TokenTest, ASecretHas43CharactersAndIsNeverMadeTwice) {
  EXPECT_EQ(NewSecret().size(), 43u);
  EXPECT_NE(NewSecret(), NewSecret());
}

TEST(TokenTest, RefusesWhatItCannotHaveMade) {
  const std::string good = FormatToken(storage::TokenMode::kLive, ApiTokenId{1}, NewSecret());
  EXPECT_FALSE(ParseToken("").has_value());
  EXPECT_FALSE(ParseToken(good + "x").has_value());
  EXPECT_FALSE(ParseToken(good.substr(0, good.size() - 1)).has_value());
  EXPECT_FALSE(ParseToken("hrld_prod_" + good.substr(10)).has_value());
  std::string bad_character = good;
  bad_character.back() = '+';
  EXPECT_FALSE(ParseToken(bad_character).has_value());
}

TEST(TokenTest, ReadsAServiceTokenAsTextOrAsItsHash) {
  const auto plain = ParseServiceToken("operator-token-0001");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(*plain, HashText("operator-token-0001"));
  // printf operator-token-0001 | sha256sum, upper and lower case alike.
  std::string hex = "sha256:";
  for (const unsigned char byte : *plain) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  const auto hashed = ParseServiceToken(hex);
  ASSERT_TRUE(hashed.ok());
  EXPECT_EQ(*hashed, *plain);
}

TEST(TokenTest, RefusesAServiceTokenThatIsShortOrNoHash) {
  EXPECT_FALSE(ParseServiceToken("short").ok());
  EXPECT_FALSE(ParseServiceToken("sha256:abc").ok());
  EXPECT_FALSE(ParseServiceToken("sha256:" + std::string(64, 'g')).ok());
}

}  // namespace
}  // namespace herald::identity
