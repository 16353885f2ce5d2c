#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "storage/ledger.h"

namespace herald::storage {

// What keeps the queue and its ledger small and quick. Thread-safe, blocking; every method may run
// on every replica at once, may be repeated, and does a bounded piece of work.
// kUnavailable: it is not known whether it took effect.
class QueueMaintenance {
 public:
  virtual ~QueueMaintenance() = default;

  struct Fold {
    int deltas = 0;                        // `limit` of them: there may be more
    std::vector<FinishedEmails> finished;  // what those deltas say came to an end
  };
  // Adds up to `limit` recorded changes to the ledger. Each is folded by one caller only.
  virtual absl::StatusOr<Fold> FoldLedger(int limit) = 0;
  // The ledger of all tenants together, exact at one moment.
  virtual absl::StatusOr<std::vector<LaneLedger>> ReadLedger() = 0;

  // Vacuums the queue if it has enough dead rows and nobody does or just did. Returns whether it
  // did. kFailedPrecondition: the service's user may not, see docs/configuration.md.
  virtual absl::StatusOr<bool> VacuumQueue() = 0;

  struct Pruned {
    int rows = 0;
    bool at_end = false;  // the whole table has been looked through
  };
  // Removes idempotency keys past their time from the next part of their table.
  virtual absl::StatusOr<Pruned> PruneIdempotencyKeys() = 0;
  // Takes tenants without queued emails or chunks from the list that claims visit, and puts back
  // whoever has chunks and is not on it.
  virtual absl::Status ForgetIdleTenants() = 0;
};

}  // namespace herald::storage
