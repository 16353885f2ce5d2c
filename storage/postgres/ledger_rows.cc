#include "storage/postgres/ledger_rows.h"

#include "storage/postgres/query_params.h"

namespace herald::storage {
namespace {

int64_t& Column(LaneLedger& ledger, EmailState state) {
  switch (state) {
    case EmailState::kScheduled:
    case EmailState::kQueued:
    case EmailState::kSending:
    case EmailState::kUnconfirmed:
      return ledger.pending;
    case EmailState::kSent:
    case EmailState::kDelivered:
    case EmailState::kBounced:
    case EmailState::kComplained:
      return ledger.sent;
    case EmailState::kFailed:
      return ledger.failed;
    case EmailState::kDead:
      return ledger.dead;
    case EmailState::kSuppressed:
      return ledger.suppressed;
    case EmailState::kCancelled:
      return ledger.cancelled;
    case EmailState::kExpired:
      return ledger.expired;
  }
  return ledger.pending;
}

}  // namespace

std::vector<LaneLedger> LedgerOf(const pqxx::result& rows) {
  std::vector<LaneLedger> ledgers;
  for (const pqxx::row& row : rows) {
    const Lane lane = static_cast<Lane>(IntOf(row["lane"]));
    if (ledgers.empty() || ledgers.back().lane != lane) ledgers.push_back({.lane = lane});
    ledgers.back().accepted += Int64Of(row["accepted"]);
    Column(ledgers.back(), static_cast<EmailState>(IntOf(row["state"]))) += Int64Of(row["emails"]);
  }
  return ledgers;
}

}  // namespace herald::storage
