#include "server/preferences/unsubscribe_tokens.h"

#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "server/status/status_details.h"
#include "storage/crypto/master_keys.h"

namespace herald::preferences {
namespace {

constexpr char kOldKey[] = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr char kNewKey[] = "new:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
constexpr absl::Duration kLifetime = absl::Hours(24 * 365);

UnsubscribeTokens TokensWith(const std::string& master_keys) {
  return UnsubscribeTokens(
      storage::MasterKeys::Parse(master_keys)->DeriveSealer("unsubscribe tokens"), kLifetime);
}

const UnsubscribeSubject kSubject{TenantId{7}, EmailId{123456789}, "anna@example.com", "news"};
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(UnsubscribeTokensTest, OpensWhatItMinted) {
  const UnsubscribeTokens tokens = TokensWith(kOldKey);
  const auto opened = tokens.Open(tokens.Mint(kSubject, kNow), kNow);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->tenant, kSubject.tenant);
  EXPECT_EQ(opened->email, kSubject.email);
  EXPECT_EQ(opened->address, kSubject.address);
  EXPECT_EQ(opened->category, kSubject.category);
}

TEST(UnsubscribeTokensTest, IsSafeInAUrlAndTellsNothing) {
  const std::string token = TokensWith(kOldKey).Mint(kSubject, kNow);
  for (char c : token) {
    EXPECT_TRUE(absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') << c;
  }
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(token, &bytes));
  EXPECT_FALSE(absl::StrContains(bytes, "anna"));
  EXPECT_FALSE(absl::StrContains(bytes, "news"));
  EXPECT_LT(token.size(), 200u);
}

TEST(UnsubscribeTokensTest, ExpiresWithItsLifetime) {
  const UnsubscribeTokens tokens = TokensWith(kOldKey);
  const std::string token = tokens.Mint(kSubject, kNow);
  EXPECT_TRUE(tokens.Open(token, kNow + kLifetime - absl::Seconds(1)).ok());
  const absl::Status expired = tokens.Open(token, kNow + kLifetime).status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(expired), "UNSUBSCRIBE_TOKEN_EXPIRED");
}

TEST(UnsubscribeTokensTest, SurvivesARotationWhileTheOldKeyIsConfigured) {
  const std::string token = TokensWith(kOldKey).Mint(kSubject, kNow);
  const std::string rotated = std::string(kNewKey) + "\n" + kOldKey;
  EXPECT_TRUE(TokensWith(rotated).Open(token, kNow).ok());
  EXPECT_FALSE(TokensWith(kNewKey).Open(token, kNow).ok());
  EXPECT_TRUE(TokensWith(kNewKey).Open(TokensWith(rotated).Mint(kSubject, kNow), kNow).ok());
}

TEST(UnsubscribeTokensTest, RefusesEveryOtherText) {
  const UnsubscribeTokens tokens = TokensWith(kOldKey);
  const std::string token = tokens.Mint(kSubject, kNow);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    std::string before, after;
    absl::WebSafeBase64Unescape(token, &before);
    // The last character has bits that mean nothing.
    if (absl::WebSafeBase64Unescape(changed, &after) && before == after) continue;
    EXPECT_EQ(ErrorReason(tokens.Open(changed, kNow).status()), "UNSUBSCRIBE_TOKEN_INVALID") << i;
  }
  for (const std::string& text : {std::string(), std::string("%%"), token.substr(0, 40),
                                  std::string(5000, 'A'), token + "AAAA"}) {
    EXPECT_EQ(tokens.Open(text, kNow).status().code(), absl::StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace herald::preferences
