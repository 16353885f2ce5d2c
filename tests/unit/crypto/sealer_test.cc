#include "storage/crypto/sealer.h"

#include <gtest/gtest.h>

#include "absl/container/flat_hash_set.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

const SecretKey& OldKey() {
  static const SecretKey key = SecretKey::FromBytes(std::string(32, 'o'));
  return key;
}
const SecretKey& NewKey() {
  static const SecretKey key = SecretKey::FromBytes(std::string(32, 'n'));
  return key;
}

TEST(SealerTest, OpensWhatItSealed) {
  const Sealer sealer({{7, OldKey()}});
  for (const std::string& text : {std::string(), std::string("a"), std::string(100000, '\0')}) {
    const std::string sealed = sealer.Seal("place", text);
    EXPECT_EQ(sealed.size(), text.size() + kSealOverheadBytes);
    EXPECT_THAT(sealer.Open("place", sealed), IsOkAndHolds(text));
  }
}

TEST(SealerTest, BeginsWithVersionAndKeyId) {
  const std::string sealed = Sealer({{0x01020304, OldKey()}}).Seal("", "text");
  EXPECT_EQ(sealed.substr(0, 5), std::string("\x01\x01\x02\x03\x04", 5));
}

TEST(SealerTest, DoesNotOpenAtAnotherPlace) {
  const Sealer sealer({{1, OldKey()}});
  EXPECT_THAT(sealer.Open("there", sealer.Seal("here", "text")),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(SealerTest, NoticesAnyChangedByte) {
  const Sealer sealer({{1, OldKey()}});
  const std::string sealed = sealer.Seal("place", "a secret of some length");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    // Bytes 1 to 4 name the key; another key is one that is not here.
    const bool names_key = i >= 1 && i <= 4;
    EXPECT_THAT(sealer.Open("place", changed),
                StatusIs(names_key ? absl::StatusCode::kNotFound : absl::StatusCode::kDataLoss))
        << "byte " << i;
  }
}

TEST(SealerTest, NoticesAnyMissingTail) {
  const Sealer sealer({{1, OldKey()}});
  const std::string sealed = sealer.Seal("place", "text");
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(sealer.Open("place", sealed.substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss));
  }
}

TEST(SealerTest, NeverRepeatsANonce) {
  const Sealer sealer({{1, OldKey()}});
  absl::flat_hash_set<std::string> nonces;
  for (int i = 0; i < 100000; ++i) nonces.insert(sealer.Seal("", "").substr(5, 12));
  EXPECT_EQ(nonces.size(), 100000u);
}

TEST(SealerTest, AfterARotationSealsWithTheNewKeyAndOpensWithBoth) {
  const std::string old = Sealer({{1, OldKey()}}).Seal("place", "text");
  const Sealer rotated({{2, NewKey()}, {1, OldKey()}});
  EXPECT_THAT(rotated.Open("place", old), IsOkAndHolds(std::string("text")));
  const std::string renewed = rotated.Seal("place", "text");
  EXPECT_THAT(Sealer({{2, NewKey()}}).Open("place", renewed), IsOkAndHolds(std::string("text")));
}

TEST(SealerTest, SaysThatAKeyIsNotHere) {
  const std::string sealed = Sealer({{1, OldKey()}}).Seal("place", "text");
  EXPECT_THAT(Sealer({{2, OldKey()}}).Open("place", sealed), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace herald::storage
