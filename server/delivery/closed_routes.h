#pragma once

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "model/lane.h"
#include "server/delivery/router.h"

namespace herald::delivery {

// The tenants whose mail of a lane no account takes now. Claims leave them out: a backlog would
// else be claimed, rendered and put off again and again for as long as an outage lasts. Now and
// then a few are claimed all the same, as scouts: they let an account be probed, tell support why
// they wait, and may be such as go elsewhere (emails of test tokens, repetitions).
//
// Thread-safe, never blocks.
class ClosedRoutes {
 public:
  // `router` must outlive it.
  ClosedRoutes(Lane lane, Router* router) : lane_(lane), router_(router) {}

  // No account took an email of `tenant` just now.
  void Note(TenantId tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  // How a claim is to be made.
  struct Advice {
    std::vector<TenantId> except;
    bool scouts = false;  // few are to be claimed; of everybody, as far as this goes
  };
  // Of a claim at `now`, of any steady clock, that leaves out `full` for other reasons. Asks the
  // router about each tenant: who has an account again is forgotten.
  Advice Next(absl::Time now, std::vector<TenantId> full) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const Lane lane_;
  Router* const router_;

  absl::Mutex mutex_;
  absl::flat_hash_set<TenantId> closed_ ABSL_GUARDED_BY(mutex_);
  absl::Time scouted_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace herald::delivery
