#include "storage/crypto/tenant_cipher.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

const SecretKey& Key() {
  static const SecretKey key = SecretKey::Random();
  return key;
}

// Two tenants, deliberately with equal keys: the place alone must keep them apart.
const TenantCipher& A() {
  static const TenantCipher cipher({1}, Sealer({{1, Key()}}), HmacSha256("lookup a"));
  return cipher;
}
const TenantCipher& B() {
  static const TenantCipher cipher({2}, Sealer({{1, Key()}}), HmacSha256("lookup b"));
  return cipher;
}

TEST(TenantCipherTest, OpensWhereItWasSealed) {
  EXPECT_THAT(A().Open("recipient", 5, A().Seal("recipient", 5, "ada@example.com")),
              IsOkAndHolds(std::string("ada@example.com")));
}

TEST(TenantCipherTest, DoesNotOpenForAnotherTenant) {
  EXPECT_THAT(B().Open("recipient", 5, A().Seal("recipient", 5, "ada@example.com")),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(TenantCipherTest, DoesNotOpenInAnotherRowOrField) {
  const std::string sealed = A().Seal("recipient", 5, "ada@example.com");
  EXPECT_THAT(A().Open("recipient", 6, sealed), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(A().Open("content", 5, sealed), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(TenantCipherTest, LookupHashIsStableAndDiffersByTenant) {
  const std::string hash = A().LookupHash("ada@example.com");
  EXPECT_EQ(hash.size(), 32u);
  EXPECT_EQ(A().LookupHash("ada@example.com"), hash);
  EXPECT_NE(A().LookupHash("bob@example.com"), hash);
  EXPECT_NE(B().LookupHash("ada@example.com"), hash);
}

}  // namespace
}  // namespace herald::storage
