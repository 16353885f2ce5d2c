// What ThreadSanitizer must see and what it must not: race_program guarded|unguarded.
#include <cstring>
#include <thread>

#include "absl/synchronization/mutex.h"

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
  const bool guarded = argc > 1 && std::strcmp(argv[1], "guarded") == 0;
  (guarded ? Guarded : Unguarded)(counter);
  return counter.count > 1 ? 0 : 1;
}
