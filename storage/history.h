#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace herald::storage {

// How long finished emails are kept, from their acceptance, send_time or last change of state,
// whichever came last.
struct Retention {
  absl::Duration emails = absl::Hours(24 * 90);    // summary, attempts and events
  absl::Duration contents = absl::Hours(24 * 30);  // what they said; at most `emails`
};

// Finished emails. Thread-safe, blocking; safe on every replica at once.
class History {
 public:
  virtual ~History() = default;

  // Deletes a bounded piece of what was kept long enough, tenant by tenant. Never an email that is
  // not finished, and never the contents of one that is DEAD and so may be redriven. The ledger
  // goes on counting them. Returns whether there is more to do at once; after an error the next
  // call goes on with the next tenant.
  virtual absl::StatusOr<bool> Prune(const Retention& retention) = 0;
};

}  // namespace herald::storage
