#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace herald::rpc {

// Threads for work that blocks, behind a bounded queue. Thread-safe.
class Executor {
 public:
  using Task = absl::AnyInvocable<void()>;

  Executor(int threads, size_t queue_max);
  ~Executor();

  // False, with `task` untouched by any thread, when the queue is full or after Stop.
  [[nodiscard]] bool Submit(Task task);
  // Takes nothing more, runs everything it holds, and returns when that is done. Safe to repeat.
  void Stop();

 private:
  void Work();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }

  const size_t queue_max_;
  absl::Mutex mu_;
  std::deque<Task> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::Mutex join_mu_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(join_mu_);
};

}  // namespace herald::rpc
