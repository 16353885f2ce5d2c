#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "server/limits/tenant_limit_cache.h"
#include "storage/rate_limit_store.h"

namespace herald::limits {

// How much a tenant's callers may hand in: RESOURCE_EXHAUSTED, INGEST_LIMIT, with the wait until
// the bucket has enough again. Thread-safe.
//
// All replicas take from one bucket in the database, a fifth of a second's worth at a time, and use
// up what they took within a second: so the database is asked a few times a second for each busy
// tenant and never for each email, and in no second do n replicas together admit more than the
// bucket gave plus n fifths. What a replica was refused it refuses by itself until tokens are
// there.
class IngestLimiter {
 public:
  using Clock = std::function<absl::Time()>;
  // Runs a task that may block on another thread; false when too many wait.
  using Defer = std::function<bool(std::function<void()>)>;
  using Admitted = std::function<void(absl::Status)>;

  // Pointers outlive this. `fallback`: of tenants without a limit of their own. `clock`: SteadyNow
  // outside tests, lest a clock that is set back prolong a refusal.
  IngestLimiter(Rate fallback, const TenantLimitCache* cache, storage::RateLimitStore* store,
                Defer defer, Clock clock);

  // Never blocks and asks nobody: admitted or refused. nullopt: ask Admit.
  absl::optional<absl::Status> TryAdmit(TenantId tenant, int count);
  // Calls `done` once the database has said, on a thread of `defer`, or at once.
  void Admit(TenantId tenant, int count, Admitted done);

 private:
  struct Waiter {
    int count = 0;
    Admitted done;
  };
  struct Answered {
    Admitted done;
    absl::Status status;
  };
  struct Entry {
    int tokens = 0;  // leased and not used
    absl::Time tokens_until = absl::InfinitePast();
    // Until then, at that pace, there are not `scarce_count` tokens in the database either.
    int scarce_count = 0;
    absl::Time scarce_until = absl::InfinitePast();
    absl::Duration scarce_interval;
    bool leasing = false;
    std::deque<Waiter> waiters;
  };

  absl::optional<Pace> PaceOfTenant(TenantId tenant) const;
  absl::optional<absl::Status> Decide(Entry& entry, const Pace& pace, int count, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartLeasing(TenantId tenant, const Pace& pace);
  void Lease(TenantId tenant, Pace pace);
  // What a lease, or its failure, means to those who wait. False: nobody waits any more.
  bool Settle(TenantId tenant, const Pace& pace, int need,
              const absl::StatusOr<storage::TokenLease>& lease);

  const Rate fallback_;
  const TenantLimitCache* const cache_;
  storage::RateLimitStore* const store_;
  const Defer defer_;
  const Clock clock_;

  absl::Mutex mutex_;
  absl::flat_hash_map<int64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::limits
