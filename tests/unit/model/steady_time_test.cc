#include "model/steady_time.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace herald {
namespace {

TEST(SteadyTime, BeginsAsTheHostsTimeAndGoesAtItsPace) {
  EXPECT_LT(absl::AbsDuration(SteadyNow() - absl::Now()), absl::Seconds(1));
  const absl::Time before = SteadyNow();
  absl::SleepFor(absl::Milliseconds(5));
  EXPECT_GE(SteadyNow() - before, absl::Milliseconds(5));
}

TEST(AwaitSteadily, EndsWithoutTheConditionWhenTheTimeIsOver) {
  absl::Mutex mutex;
  bool never = false;
  const absl::Time before = SteadyNow();
  absl::MutexLock lock(&mutex);
  EXPECT_FALSE(AwaitSteadily(mutex, absl::Condition(&never), absl::Milliseconds(20)));
  EXPECT_GE(SteadyNow() - before, absl::Milliseconds(20));
}

TEST(AwaitSteadily, DoesNotWaitForWhatHoldsAlreadyOrWithoutTime) {
  absl::Mutex mutex;
  bool yes = true;
  bool no = false;
  absl::MutexLock lock(&mutex);
  EXPECT_TRUE(AwaitSteadily(mutex, absl::Condition(&yes), absl::ZeroDuration()));
  EXPECT_FALSE(AwaitSteadily(mutex, absl::Condition(&no), absl::ZeroDuration()));
}

TEST(AwaitSteadily, EndsAsSoonAsTheConditionHolds) {
  absl::Mutex mutex;
  bool done = false;
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    done = true;
  });
  {
    absl::MutexLock lock(&mutex);
    EXPECT_TRUE(AwaitSteadily(mutex, absl::Condition(&done), absl::Hours(1)));
  }
  other.join();
}

// Alarms that ring while others are set and unset, on mutexes that come and go.
TEST(AwaitSteadily, ManyWaitsAtOnceEndEachAtItsTime) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) {
        absl::Mutex mutex;
        bool never = false;
        const absl::Duration timeout = absl::Microseconds((t * 131 + i * 17) % 1000);
        const absl::Time before = SteadyNow();
        absl::MutexLock lock(&mutex);
        EXPECT_FALSE(AwaitSteadily(mutex, absl::Condition(&never), timeout));
        EXPECT_GE(SteadyNow() - before, timeout);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace herald
