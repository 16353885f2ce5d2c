#include "storage/crypto/aes_gcm.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace herald::storage {
namespace {

// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), which NIST's validation
// takes over: AES-256, with additional data, a plaintext that is not a multiple of the block.
struct Case16 {
  SecretKey key = SecretKey::FromBytes(
      absl::HexStringToBytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  std::string nonce = absl::HexStringToBytes("cafebabefacedbaddecaf888");
  std::string aad = absl::HexStringToBytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  std::string plaintext = absl::HexStringToBytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  std::string ciphertext = absl::HexStringToBytes(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b");
};

TEST(AesGcmTest, EncryptsThePublishedVector) {
  const Case16 c;
  std::string out;
  AesGcmEncrypt(c.key, c.nonce, c.aad, c.plaintext, &out);
  EXPECT_EQ(absl::BytesToHexString(out), absl::BytesToHexString(c.ciphertext));
}

TEST(AesGcmTest, DecryptsThePublishedVector) {
  const Case16 c;
  std::string out;
  ASSERT_TRUE(AesGcmDecrypt(c.key, c.nonce, c.aad, c.ciphertext, &out));
  EXPECT_EQ(out, c.plaintext);
}

TEST(AesGcmTest, AnEmptyPlaintextIsStillAuthenticated) {
  const Case16 c;
  std::string sealed;
  AesGcmEncrypt(c.key, c.nonce, c.aad, "", &sealed);
  ASSERT_EQ(sealed.size(), kGcmTagBytes);
  std::string out;
  EXPECT_TRUE(AesGcmDecrypt(c.key, c.nonce, c.aad, sealed, &out));
  EXPECT_EQ(out, "");
  sealed[0] = static_cast<char>(sealed[0] ^ 1);
  EXPECT_FALSE(AesGcmDecrypt(c.key, c.nonce, c.aad, sealed, &out));
}

// A thread keeps what the last key was expanded to.
TEST(AesGcmTest, EachKeySealsAndOpensItsOwn) {
  const Case16 c;
  const SecretKey other = SecretKey::FromBytes(std::string(kSecretKeyBytes, 'k'));
  for (int round = 0; round < 3; ++round) {
    std::string out, opened;
    AesGcmEncrypt(c.key, c.nonce, c.aad, c.plaintext, &out);
    EXPECT_EQ(out, c.ciphertext);
    AesGcmEncrypt(c.key, c.nonce, c.aad, c.plaintext, &out);
    EXPECT_EQ(out, c.ciphertext + c.ciphertext);
    out.clear();
    AesGcmEncrypt(other, c.nonce, c.aad, c.plaintext, &out);
    EXPECT_NE(out, c.ciphertext);
    EXPECT_FALSE(AesGcmDecrypt(c.key, c.nonce, c.aad, out, &opened));
    EXPECT_TRUE(AesGcmDecrypt(other, c.nonce, c.aad, out, &opened));
    EXPECT_EQ(opened, c.plaintext);
    EXPECT_FALSE(AesGcmDecrypt(other, c.nonce, c.aad, c.ciphertext, &opened));
    EXPECT_TRUE(AesGcmDecrypt(c.key, c.nonce, c.aad, c.ciphertext, &opened));
    EXPECT_EQ(opened, c.plaintext + c.plaintext);
  }
}

}  // namespace
}  // namespace herald::storage
