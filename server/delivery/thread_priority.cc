#include "server/delivery/thread_priority.h"

#include <sys/resource.h>

namespace herald::delivery {
namespace {

constexpr int kNice = 10;  // setpriority(2); on Linux, each thread has its own

}  // namespace

void LowerPriorityOfThisThread() {
  // It works as well without: to make a thread nicer is always allowed.
  (void)setpriority(PRIO_PROCESS, /*who: this thread=*/0, kNice);
}

}  // namespace herald::delivery
