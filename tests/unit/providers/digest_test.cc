#include "providers/digest.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace herald::providers {
namespace {

// As `xxhsum -H2` prints it: the digest must stay what it was, since it is stored.
TEST(DigestTest, IsXxh3) {
  EXPECT_EQ(absl::BytesToHexString(Digest({})), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(absl::BytesToHexString(Digest({std::string(5000, 'a'), "b"})),
            "5047f54e6f16537162b2cc111f934021");
}

TEST(DigestTest, TellsBytesAndNotPieces) {
  const std::string longer(5000, 'a');
  EXPECT_EQ(Digest({longer, "b", "", longer}), Digest({longer + "b" + longer}));
  EXPECT_NE(Digest({longer, "b"}), Digest({"b", longer}));
}

}  // namespace
}  // namespace herald::providers
