#pragma once

#include <vector>

#include "server/ops/metrics.h"
#include "storage/ledger.h"

namespace herald::ops {

// Puts what the duties read of the ledger into metrics.

inline void ReportFinished(const std::vector<storage::FinishedEmails>& finished,
                           ServiceMetrics& metrics) {
  for (const auto& [lane, state, emails] : finished) metrics.EmailsFinished(lane, state, emails);
}

inline void ReportLedger(const std::vector<storage::LaneLedger>& ledgers, ServiceMetrics& metrics) {
  for (const storage::LaneLedger& ledger : ledgers) {
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kAccepted, ledger.accepted);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kPending, ledger.pending);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kSent, ledger.sent);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kFailed, ledger.failed);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kDead, ledger.dead);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kSuppressed, ledger.suppressed);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kCancelled, ledger.cancelled);
    metrics.LedgerMeasured(ledger.lane, LedgerColumn::kExpired, ledger.expired);
  }
}

}  // namespace herald::ops
