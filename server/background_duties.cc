#include "server/background_duties.h"

#include <string>
#include <utility>

#include "server/delivery/lane_policy.h"
#include "server/duties/chunk_duties.h"
#include "server/duties/maintenance_duties.h"
#include "server/duties/queue_duties.h"
#include "server/duties/rate_limit_duties.h"
#include "server/ops/ledger_reporter.h"
#include "server/ops/log.h"

namespace herald {
namespace {

using delivery::kClaimsMax;
using ops::Log;
using ops::Severity;

}  // namespace

std::vector<std::unique_ptr<duties::PeriodicDuty>> StartDuties(const DutyParts& parts) {
  const auto on_error = [&metrics = parts.metrics](const std::string& name,
                                                   const absl::Status& status) {
    metrics.DatabaseError(status.code());
    Log(Severity::kWarning, "duty_failed", {{"duty", name}, {"reason", status.message()}});
  };
  const auto on_rescued = [&metrics = parts.metrics](int rescued) {
    metrics.LeasesRescued(rescued);
    Log(Severity::kWarning, "leases_rescued", {{"rescued", rescued}});
  };
  const auto on_depths = [&metrics = parts.metrics](const std::vector<storage::LaneDepth>& depths) {
    for (const storage::LaneDepth& depth : depths) {
      metrics.QueueMeasured(depth.lane, depth.pending, depth.oldest_age);
    }
  };
  const auto on_finished =
      [&metrics = parts.metrics](const std::vector<storage::FinishedEmails>& finished) {
        ops::ReportFinished(finished, metrics);
      };
  const auto on_ledger = [&metrics =
                              parts.metrics](const std::vector<storage::LaneLedger>& ledgers) {
    ops::ReportLedger(ledgers, metrics);
  };
  std::vector<std::unique_ptr<duties::PeriodicDuty>> started;
  const auto start = [&](std::string name, absl::Duration interval,
                         duties::PeriodicDuty::Round round) {
    started.push_back(std::make_unique<duties::PeriodicDuty>(std::move(name), interval,
                                                             std::move(round), on_error));
    started.back()->Start();
  };
  start("rescue", absl::Seconds(1), duties::RescueRound(&parts.queue, kClaimsMax, on_rescued));
  start("expire", absl::Seconds(1), duties::ExpireRound(&parts.queue));
  start("rescue_chunks", absl::Seconds(1),
        duties::ChunkRescueRound(&parts.chunks, kClaimsMax, on_rescued));
  start("expire_chunks", absl::Seconds(1), duties::ChunkExpireRound(&parts.chunks));
  start("prune_limits", absl::Seconds(60), duties::PruneLimitsRound(&parts.limits));
  start("depth", absl::Seconds(5), duties::DepthRound(&parts.queue, on_depths));
  start("ledger", absl::Seconds(1), duties::LedgerRound(&parts.maintenance, on_finished));
  start("ledger_reading", absl::Seconds(5),
        duties::LedgerReadingRound(&parts.maintenance, on_ledger));
  start("vacuum", absl::Seconds(3), duties::VacuumRound(&parts.maintenance));
  start("prune", absl::Seconds(2), duties::PruneRound(&parts.maintenance));
  start("history", absl::Seconds(5), duties::HistoryRound(&parts.history, parts.retention));
  start("idle_tenants", absl::Minutes(1), duties::IdleTenantsRound(&parts.maintenance));
  return started;
}

}  // namespace herald
