#pragma once

#include <functional>
#include <vector>

#include "server/duties/periodic_duty.h"
#include "storage/history.h"
#include "storage/queue_maintenance.h"

namespace herald::duties {

// Rounds for PeriodicDuty that keep the queue quick and its books in order. `maintenance` must
// outlive them. Each belongs on a duty, and so on a thread, of its own.

// Folds the ledger; what it says came to an end is reported once over all replicas.
PeriodicDuty::Round LedgerRound(
    storage::QueueMaintenance* maintenance,
    std::function<void(const std::vector<storage::FinishedEmails>&)> on_finished);
// Reads the ledger of all tenants.
PeriodicDuty::Round LedgerReadingRound(
    storage::QueueMaintenance* maintenance,
    std::function<void(const std::vector<storage::LaneLedger>&)> on_read);
// Vacuums the queue when it needs it.
PeriodicDuty::Round VacuumRound(storage::QueueMaintenance* maintenance);
// Removes idempotency keys past their time, a part of the table a round.
PeriodicDuty::Round PruneRound(storage::QueueMaintenance* maintenance);
// Deletes finished emails that were kept long enough, a piece a round.
PeriodicDuty::Round HistoryRound(storage::History* history, storage::Retention retention);
// Forgets tenants that have nothing queued.
PeriodicDuty::Round IdleTenantsRound(storage::QueueMaintenance* maintenance);

}  // namespace herald::duties
