#include "storage/crypto/hmac.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "storage/crypto/sha256.h"

namespace herald::storage {
namespace {

struct Vector {
  std::string key;
  std::string message;
  const char* digest;
};

TEST(HmacTest, AgreesWithRfc4231) {
  const Vector vectors[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const Vector& v : vectors) {
    EXPECT_EQ(absl::BytesToHexString(HmacSha256(v.key).Compute(v.message)), v.digest);
  }
}

TEST(HmacTest, OneKeyServesManyMessages) {
  const HmacSha256 hmac("key");
  const std::string first = hmac.Compute("a");
  EXPECT_NE(hmac.Compute("b"), first);
  EXPECT_EQ(hmac.Compute("a"), first);
}

TEST(HmacTest, ThreadsDoNotDisturbOneAnother) {
  const HmacSha256 hmac("key");
  const std::string a = hmac.Compute("a"), b = hmac.Compute("b");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2000; ++round) {
        wrong += hmac.Compute((i + round) % 2 == 0 ? "a" : "b") != ((i + round) % 2 == 0 ? a : b);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Sha256Test, AgreesWithFips180) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, ComparesByContentAndLength) {
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abd"));
  EXPECT_FALSE(EqualInConstantTime("abc", "ab"));
  EXPECT_TRUE(EqualInConstantTime("", ""));
}

}  // namespace
}  // namespace herald::storage
