#include "storage/crypto/random.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace herald::storage {
namespace {

TEST(RandomTest, FastRandomnessDoesNotRepeatWithinOrAcrossThreads) {
  constexpr int kEach = 50000;
  std::vector<std::string> drawn[2];
  std::vector<std::thread> threads;
  for (std::vector<std::string>& mine : drawn) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < kEach; ++i) {
        std::string nonce(12, '\0');
        FillRandomFast(&nonce[0], nonce.size());
        mine.push_back(nonce);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  absl::flat_hash_set<std::string> distinct(drawn[0].begin(), drawn[0].end());
  distinct.insert(drawn[1].begin(), drawn[1].end());
  EXPECT_EQ(distinct.size(), 2u * kEach);
}

TEST(RandomTest, GivesAsManyBytesAsAsked) {
  EXPECT_EQ(RandomBytes(33).size(), 33u);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

}  // namespace
}  // namespace herald::storage
