#include "storage/crypto/master_keys.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Line(const std::string& id, char fill) {
  return absl::StrCat(id, ":", absl::Base64Escape(std::string(32, fill)), "\n");
}

TEST(MasterKeysTest, UnwrapsWhatItWrapped) {
  const MasterKeys keys = MasterKeys::Parse(Line("2026", 'a')).value();
  const SecretKey secret = SecretKey::Random();
  const WrappedKey wrapped = keys.Wrap(secret, "1|1|1");
  EXPECT_EQ(wrapped.master_key_id, "2026");
  ASSERT_OK_AND_ASSIGN(const SecretKey unwrapped, keys.Unwrap(wrapped, "1|1|1"));
  EXPECT_EQ(unwrapped.bytes(), secret.bytes());
}

TEST(MasterKeysTest, DerivesAKeyOfEachForAPurpose) {
  const auto one = MasterKeys::Parse(Line("a", 'a'))->DeriveKeys("page tokens");
  const auto two = MasterKeys::Parse(Line("b", 'b') + Line("a", 'a'))->DeriveKeys("page tokens");
  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].bytes(), one[0].bytes());
  EXPECT_NE(two[0].bytes(), one[0].bytes());
  const auto other = MasterKeys::Parse(Line("a", 'a'))->DeriveKeys("links");
  EXPECT_NE(other[0].bytes(), one[0].bytes());
}

TEST(MasterKeysTest, AWrappedKeyDoesNotOpenForAnotherTenant) {
  const MasterKeys keys = MasterKeys::Parse(Line("k", 'a')).value();
  EXPECT_THAT(keys.Unwrap(keys.Wrap(SecretKey::Random(), "1|1|1"), "2|1|1"),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(MasterKeysTest, AfterARotationTheNewPrimaryWrapsAndTheOldOneStillUnwraps) {
  const SecretKey secret = SecretKey::Random();
  const WrappedKey old = MasterKeys::Parse(Line("old", 'o'))->Wrap(secret, "1|1|1");
  const MasterKeys rotated = MasterKeys::Parse(Line("new", 'n') + Line("old", 'o')).value();
  EXPECT_EQ(rotated.primary_id(), "new");
  ASSERT_OK_AND_ASSIGN(const SecretKey unwrapped, rotated.Unwrap(old, "1|1|1"));
  EXPECT_EQ(unwrapped.bytes(), secret.bytes());
  EXPECT_EQ(rotated.Wrap(secret, "1|1|1").master_key_id, "new");
}

TEST(MasterKeysTest, NamesTheMasterKeyThatIsMissing) {
  const WrappedKey old = MasterKeys::Parse(Line("old", 'o'))->Wrap(SecretKey::Random(), "x");
  EXPECT_THAT(MasterKeys::Parse(Line("new", 'n'))->Unwrap(old, "x"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("old")));
}

TEST(MasterKeysTest, SkipsCommentsAndEmptyLines) {
  EXPECT_OK(MasterKeys::Parse("# primary\n\n  " + Line("a", 'a') + "\r\n"));
}

TEST(MasterKeysTest, RefusesWhatIsNotAKeyAndDoesNotQuoteIt) {
  const std::string secret = absl::Base64Escape(std::string(31, 's'));
  const auto refused = [](absl::string_view where) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(where)));
  };
  EXPECT_THAT(MasterKeys::Parse(""), refused("none"));
  EXPECT_THAT(MasterKeys::Parse("# a\nk:" + secret), refused("line 2"));
  EXPECT_THAT(MasterKeys::Parse("k:" + secret).status().ToString(), Not(HasSubstr(secret)));
  EXPECT_THAT(MasterKeys::Parse(":" + secret), refused("line 1"));
  EXPECT_THAT(MasterKeys::Parse("k:%%%"), refused("base64"));
  EXPECT_THAT(MasterKeys::Parse(Line("k", 'a') + Line("k", 'b')), refused("line 2"));
}

}  // namespace
}  // namespace herald::storage
