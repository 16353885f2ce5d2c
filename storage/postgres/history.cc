#include "storage/postgres/history.h"

#include <algorithm>

#include "storage/postgres/email_rows.h"
#include "storage/postgres/history_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// Emails of one round: some ten thousand rows, well below the statement limit.
constexpr int kRoundMax = 1000;

struct Round {
  TenantId tenant;  // 0: after the last one
  bool more = false;
};

// What is from before it goes. No email is as old as the clamp, which a timestamp can hold.
absl::Time CutoffOf(absl::Time now, absl::Duration kept) {
  return std::max(now - kept, absl::UnixEpoch());
}

Round PruneTenant(Transaction& transaction, TenantId tenant, absl::Time now,
                  const Retention& retention) {
  const absl::Time emails_from = CutoffOf(now, retention.emails);
  const absl::Time contents_from = CutoffOf(now, retention.contents);
  const auto emails = transaction.Exec(history_sql::kPruneEmails, tenant,
                                       FirstEmailIdAt(emails_from), kRoundMax, emails_from);
  const auto chunks =
      transaction.Exec(history_sql::kPruneChunks, tenant, FirstEmailIdAt(emails_from), kRoundMax);
  const auto contents = transaction.Exec(history_sql::kPruneContents, tenant,
                                         FirstEmailIdAt(contents_from), kRoundMax, contents_from);
  return {tenant, emails.affected_rows() == kRoundMax || contents.affected_rows() == kRoundMax ||
                      chunks.affected_rows() >= kRoundMax};
}

}  // namespace

absl::StatusOr<bool> PostgresHistory::Prune(const Retention& retention) {
  TenantId last;
  {
    absl::MutexLock lock(&mutex_);
    last = tenant_;
  }
  const TransactionOptions options = {
      .role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = "prune_history"};
  TenantId tried = last;
  const absl::StatusOr<Round> round =
      RunTransaction(pool_, options, [&](Transaction& transaction) -> absl::StatusOr<Round> {
        const pqxx::result next = transaction.Exec(history_sql::kNextTenant, last);
        if (next[0][0].is_null()) return Round();
        tried = TenantId{Int64Of(next[0][0])};
        return PruneTenant(transaction, tried, TimeOf(next[0][1]), retention);
      });
  absl::MutexLock lock(&mutex_);
  if (!round.ok()) {
    tenant_ = tried;  // one that cannot be pruned keeps nobody else's
    return StoreError(round.status());
  }
  // The same tenant again while it has more.
  tenant_ = round->more ? TenantId{round->tenant.value - 1} : round->tenant;
  return round->more;
}

}  // namespace herald::storage
