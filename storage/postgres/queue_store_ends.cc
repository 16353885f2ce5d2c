// How leases end: recorded, rescued or overdue.

#include <string>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "model/steady_time.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/queue_locks.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

static_assert(static_cast<int>(Disposition::Kind::kSent) == 0 &&
                  static_cast<int>(Disposition::Kind::kRetry) == 1 &&
                  static_cast<int>(Disposition::Kind::kUnconfirmed) == 2 &&
                  static_cast<int>(Disposition::Kind::kFailed) == 3 &&
                  static_cast<int>(Disposition::Kind::kDead) == 4,
              "queue_sql::kRecord names these numbers");

TransactionOptions Engine(const char* name) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = name};
}

absl::optional<int64_t> OutcomeNumber(const AttemptEnd& end) {
  if (end.attempt == 0) return absl::nullopt;
  // Whoever does not know how a hand-over ended has to say so.
  return static_cast<int64_t>(end.outcome.value_or(Outcome::kUnconfirmed));
}

void Record(Transaction& transaction, absl::Span<const AttemptEnd> ends,
            const std::vector<size_t>& held) {
  ArrayParam tenants, emails, tokens, attempts, outcomes, accounts, digests, message_ids, codes,
      details, kinds, delays, reasons, free, tried;
  for (size_t i : held) {
    const AttemptEnd& end = ends[i];
    tenants.AddInt(end.lease.tenant.value);
    emails.AddInt(end.lease.email.value);
    tokens.AddInt(end.lease.token);
    attempts.AddInt(end.attempt);
    outcomes.AddInt(OutcomeNumber(end));
    accounts.AddText(end.account);
    digests.AddBytes(end.request_digest);
    message_ids.AddText(end.provider_message_id);
    codes.AddText(end.error_code);
    details.AddText(end.detail);
    kinds.AddInt(static_cast<int64_t>(end.disposition.kind));
    delays.AddText(std::to_string(absl::ToDoubleSeconds(end.disposition.delay)));
    reasons.AddText(end.disposition.reason);
    free.AddInt(end.disposition.free ? 1 : 0);
    tried.AddText(absl::StrJoin(end.disposition.tried_accounts, ","));
  }
  transaction.Call(queue_sql::kRecord, tenants.Take(), emails.Take(), tokens.Take(),
                   attempts.Take(), outcomes.Take(), accounts.Take(), digests.Take(),
                   message_ids.Take(), codes.Take(), details.Take(), kinds.Take(), delays.Take(),
                   reasons.Take(), free.Take(), tried.Take());
}

}  // namespace

absl::StatusOr<std::vector<bool>> PostgresQueueStore::RecordEnds(
    absl::Span<const AttemptEnd> ends) {
  std::vector<Lease> leases;
  leases.reserve(ends.size());
  for (const AttemptEnd& end : ends) leases.push_back(end.lease);

  using Results = absl::StatusOr<std::vector<bool>>;
  Results results =
      RunTransaction(pool_, Engine("record_ends"), [&](Transaction& transaction) -> Results {
        std::vector<bool> recorded(ends.size());
        const std::vector<size_t> held = LockLeases(transaction, leases, absl::nullopt);
        if (!held.empty()) Record(transaction, ends, held);
        for (size_t i : held) recorded[i] = true;
        return recorded;
      });
  if (!results.ok()) return StoreError(results.status());
  return results;
}

absl::StatusOr<int> PostgresQueueStore::RescueExpired(int limit, int claims_max) {
  const absl::Time start = SteadyNow();
  const absl::optional<absl::Duration> window = rescue_window_.Next(start);
  absl::optional<std::string> seconds;
  if (window.has_value()) seconds = std::to_string(absl::ToDoubleSeconds(*window));
  absl::StatusOr<int> rescued = RunTransaction(
      pool_, Engine("rescue_leases"), [&](Transaction& transaction) -> absl::StatusOr<int> {
        const pqxx::result locked = transaction.Exec(queue_sql::kLockExpiredLeases, limit, seconds);
        if (locked.empty()) return 0;
        EmailArrays arrays = ArraysOf(locked);
        const pqxx::result rows = transaction.Exec(queue_sql::kRescue, std::move(arrays.tenants),
                                                   std::move(arrays.emails), claims_max);
        return IntOf(rows[0][0]);
      });
  rescue_window_.Done(window, start, SteadyNow(), rescued.ok() && *rescued < limit);
  if (!rescued.ok()) return StoreError(rescued.status());
  return rescued;
}

absl::StatusOr<int> PostgresQueueStore::ExpireOverdue(int limit) {
  absl::StatusOr<int> expired = RunTransaction(
      pool_, Engine("expire_overdue"), [&](Transaction& transaction) -> absl::StatusOr<int> {
        const pqxx::result locked = transaction.Exec(queue_sql::kLockOverdue, limit);
        if (locked.empty()) return 0;
        EmailArrays arrays = ArraysOf(locked);
        std::vector<FinishedEmail> finished;
        for (const pqxx::row& row : transaction.Exec(queue_sql::kStates, std::move(arrays.tenants),
                                                     std::move(arrays.emails))) {
          finished.push_back(StopEmail(TenantId{Int64Of(row[0])}, EmailId{Int64Of(row[1])},
                                       static_cast<EmailState>(IntOf(row[2])), IntOf(row[3]),
                                       /*suppression=*/""));
        }
        FinishEmails(transaction, finished);
        return static_cast<int>(finished.size());
      });
  if (!expired.ok()) return StoreError(expired.status());
  return expired;
}

}  // namespace herald::storage
