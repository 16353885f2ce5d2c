// What ThreadSanitizer must see and what it must not: race_program
// guarded|notified|unguarded.
#include <cstring>
#include <deque>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace {

struct Counter {
  absl::Mutex mu;
  int count = 0;
};

void Guarded(Counter& counter) {
  std::thread other([&] {
    absl::MutexLock lock(&counter.mu);
    const auto begun = [&] { return counter.count > 0; };
    counter.mu.Await(absl::Condition(&begun));
    ++counter.count;
  });
  {
    absl::ReleasableMutexLock lock(&counter.mu);
    ++counter.count;
    lock.Release();
  }
  {
    const auto twice = [&] { return counter.count > 1; };
    counter.mu.LockWhen(absl::Condition(&twice));
    ++counter.count;
    counter.mu.Unlock();
  }
  other.join();
}

// So many that Abseil's tables of the order of locks grow in both threads.
void Notified(Counter& counter) {
  std::deque<absl::Notification> ours(500), theirs(500);
  std::thread other([&] {
    for (absl::Notification& notification : theirs) notification.Notify();
  });
  for (absl::Notification& notification : ours) notification.Notify();
  other.join();
  counter.count = 2;
}

void Unguarded(Counter& counter) {
  std::thread other([&] { ++counter.count; });
  {
    absl::MutexLock lock(&counter.mu);
    ++counter.count;
  }
  other.join();
}

}  // namespace

int main(int argc, char** argv) {
  Counter counter;
  const auto asked = [&](const char* what) { return argc > 1 && std::strcmp(argv[1], what) == 0; };
  (asked("guarded") ? Guarded : asked("notified") ? Notified : Unguarded)(counter);
  return counter.count > 1 ? 0 : 1;
}
