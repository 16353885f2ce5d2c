#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "model/ids.h"
#include "server/rpc/executor.h"

namespace herald::rpc {

// Threads for calls that may look at very many rows, apart from those that all other calls share:
// a tenant's slow filters hold up nobody's mail. Of several threads one is always left for other
// tenants, and tenants that wait take turns. Thread-safe.
class SearchExecutor {
 public:
  using Task = Executor::Task;

  // `waiting_max`: tasks of one tenant that wait.
  SearchExecutor(int threads, size_t waiting_max);
  ~SearchExecutor();

  // False, with `task` untouched by any thread, when too many of the tenant's wait, or after Stop.
  [[nodiscard]] bool Submit(TenantId tenant, Task task);
  // Takes nothing more, runs everything it holds, and returns when that is done. Safe to repeat.
  void Stop();

 private:
  struct Line {
    std::deque<Task> waiting;
    int running = 0;
  };

  void Work();
  // Whether a thread has something to do: a task that may begin, or nothing ever again.
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MayBegin(TenantId tenant) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(TenantId tenant) ABSL_LOCKS_EXCLUDED(mu_);

  const int running_max_;  // of one tenant
  const size_t waiting_max_;
  absl::Mutex mu_;
  absl::flat_hash_map<TenantId, Line> lines_ ABSL_GUARDED_BY(mu_);  // where anything waits or runs
  std::deque<TenantId> turns_ ABSL_GUARDED_BY(mu_);                 // of those that wait, each once
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::Mutex join_mu_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(join_mu_);
};

}  // namespace herald::rpc
