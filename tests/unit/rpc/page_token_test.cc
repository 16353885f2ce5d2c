#include "server/rpc/page_token.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/crypto/master_keys.h"

namespace herald::rpc {
namespace {

std::string Line(const std::string& id, char fill) {
  return absl::StrCat(id, ":", absl::Base64Escape(std::string(32, fill)), "\n");
}

PageTokens TokensOf(const std::string& master_keys) {
  return PageTokens(storage::MasterKeys::Parse(master_keys)->DeriveKeys("page tokens"));
}

const std::string kList = ListName("herald.v1.EmailService/ListEmails", TenantId{7});

TEST(PageTokensTest, OpensWhatItSealedForTheSameListAlone) {
  const PageTokens tokens = TokensOf(Line("a", 'a'));
  EXPECT_EQ(tokens.Open(kList, tokens.Seal(kList, "12.34")), "12.34");
  EXPECT_EQ(tokens.OpenNumber(kList, tokens.SealNumber(kList, -5)), -5);
  const std::string other = ListName("herald.v1.EmailService/ListEmails", TenantId{8});
  EXPECT_EQ(tokens.Open(other, tokens.Seal(kList, "12.34")), absl::nullopt);
}

TEST(PageTokensTest, ARotationBreaksNoTokenWhileTheOldKeyIsConfigured) {
  const std::string a = Line("a", 'a');
  const std::string b = Line("b", 'b');
  const std::string token = TokensOf(a).Seal(kList, "12.34");
  EXPECT_EQ(TokensOf("# rotated\n" + b + a).Open(kList, token), "12.34");
  EXPECT_EQ(TokensOf(b).Open(kList, token), absl::nullopt);
  EXPECT_EQ(TokensOf(b).Open(kList, TokensOf(b + a).Seal(kList, "5")), "5") << "the first seals";
}

}  // namespace
}  // namespace herald::rpc
