#include "server/delivery/thread_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

namespace herald::delivery {
namespace {

int NiceOfThisThread() { return getpriority(PRIO_PROCESS, 0); }

TEST(LowerPriorityOfThisThread, HoldsForTheThreadAndThoseItStarts) {
  const int before = NiceOfThisThread();
  int lowered = 0, inherited = 0;
  std::thread([&] {
    LowerPriorityOfThisThread();
    lowered = NiceOfThisThread();
    std::thread([&] { inherited = NiceOfThisThread(); }).join();
  }).join();
  EXPECT_EQ(lowered, 10);
  EXPECT_EQ(inherited, 10);
  EXPECT_EQ(NiceOfThisThread(), before);
}

}  // namespace
}  // namespace herald::delivery
