#include "storage/postgres/queue_store.h"

#include <map>
#include <string>

#include "absl/strings/str_split.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/fair_claim.h"
#include "storage/postgres/queue_locks.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

enum ClaimColumn : pqxx::row::size_type {
  kTenant,
  kEmail,
  kToken,
  kClaims,
  kAttempts,
  kUnconfirmedAccount,
  kUnconfirmedDigest,
  kUnconfirmedTime,
  kLane,
  kRedrives,
  kRecipientSealed,
  kTemplateKey,
  kTemplateVersion,
  kCategory,
  kTest,
  kTraceparent,
  kCreateTime,
  kSendTime,
  kClaimTime,
  kContentSealed,
  kAttemptsBeforeRedrive,
  kFreeAttempts,
  kTriedAccounts,
  kUserId,
  kExpireTime,
  kSlotsHeld,
  kRunAt,
};

TransactionOptions Engine(const char* name, bool read_only = false) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = read_only, .name = name};
}

LeasedEmail LeasedEmailOf(const pqxx::row& row) {
  LeasedEmail email;
  email.lease = {TenantId{Int64Of(row[kTenant])}, EmailId{Int64Of(row[kEmail])},
                 Int64Of(row[kToken])};
  email.lane = static_cast<Lane>(IntOf(row[kLane]));
  email.claims = IntOf(row[kClaims]);
  email.attempts = IntOf(row[kAttempts]);
  email.redrives = IntOf(row[kRedrives]);
  email.attempts_before_redrive = IntOf(row[kAttemptsBeforeRedrive]);
  email.free_attempts = IntOf(row[kFreeAttempts]);
  email.tried_accounts = absl::StrSplit(TextOf(row[kTriedAccounts]), ',', absl::SkipEmpty());
  email.template_key = TextOf(row[kTemplateKey]);
  email.template_version = IntOf(row[kTemplateVersion]);
  email.category = TextOf(row[kCategory]);
  email.test = BoolOf(row[kTest]);
  email.traceparent = TextOf(row[kTraceparent]);
  email.create_time = TimeOf(row[kCreateTime]);
  email.send_time = OptionalTimeOf(row[kSendTime]);
  email.claim_time = TimeOf(row[kClaimTime]);
  email.user_id = TextOf(row[kUserId]);
  email.expire_time = TimeOf(row[kExpireTime]);
  if (!row[kSlotsHeld].is_null()) email.slots_held = IntArrayOf(row[kSlotsHeld]);
  if (!row[kUnconfirmedTime].is_null()) {
    email.unconfirmed =
        UnconfirmedAttempt{TextOf(row[kUnconfirmedAccount]), BytesOf(row[kUnconfirmedDigest]),
                           TimeOf(row[kUnconfirmedTime])};
  }
  return email;
}

// What the second look found, for a lease that is held.
struct Judgement {
  int attempt = 0;
  EmailState state = EmailState::kQueued;
  bool overdue = false;
  bool suppressed = false;
  std::string suppression;
  bool begun = false;
};

std::vector<Judgement> Judge(Transaction& transaction, absl::Span<const AttemptStart> starts,
                             const std::vector<size_t>& held) {
  ArrayParam tenants(held.size()), emails(held.size(), 20), tokens(held.size()),
      accounts(held.size()), digests(held.size(), 70), marks(held.size(), 20);
  for (size_t i : held) {
    const AttemptStart& start = starts[i];
    tenants.AddInt(start.lease.tenant.value);
    emails.AddInt(start.lease.email.value);
    tokens.AddInt(start.lease.token);
    accounts.AddText(start.account);
    digests.AddBytes(start.request_digest);
    marks.AddInt(start.lease.recipient_mark);
  }
  const pqxx::result rows =
      transaction.Call(queue_sql::kBegin, tenants.Take(), emails.Take(), tokens.Take(),
                       accounts.Take(), digests.Take(), marks.Take());
  std::vector<Judgement> judgements(held.size());
  for (const pqxx::row& row : rows) {
    Judgement& judgement = judgements[static_cast<size_t>(Int64Of(row[0])) - 1];
    judgement.attempt = IntOf(row[1]);
    judgement.state = static_cast<EmailState>(IntOf(row[2]));
    judgement.overdue = BoolOf(row[3]);
    judgement.suppressed = !row[4].is_null();
    judgement.suppression = TextOf(row[4]);
    judgement.begun = BoolOf(row[5]);
  }
  return judgements;
}

// Tells a lease that is gone because its email was cancelled or stopped from one that was lost.
void FindStopped(Transaction& transaction, absl::Span<const AttemptStart> starts,
                 std::vector<BeginResult>& results) {
  std::vector<size_t> stale;
  ArrayParam tenants, emails;
  for (size_t i = 0; i < starts.size(); ++i) {
    if (results[i].verdict != BeginResult::Verdict::kStale) continue;
    stale.push_back(i);
    tenants.AddInt(starts[i].lease.tenant.value);
    emails.AddInt(starts[i].lease.email.value);
  }
  if (stale.empty()) return;
  for (const pqxx::row& row :
       transaction.Call(queue_sql::kStoppedBefore, tenants.Take(), emails.Take())) {
    BeginResult& result = results[stale[static_cast<size_t>(Int64Of(row[0])) - 1]];
    result.verdict = BeginResult::Verdict::kStopped;
    result.stopped_as = static_cast<EmailState>(IntOf(row[1]));
  }
}

}  // namespace

absl::StatusOr<std::vector<LeasedEmail>> PostgresQueueStore::Claim(
    Lane lane, int limit, absl::Duration lease, absl::Span<const TenantId> except) {
  const absl::StatusOr<Claimed> taken =
      TakeTurns(pool_, turns_[static_cast<size_t>(lane) - 1],
                {&queue_sql::kClaim, "email_id", nullptr}, lane, limit, lease, except);
  if (!taken.ok()) return StoreError(taken.status());

  std::vector<LeasedEmail> claimed;
  std::vector<Lease> unopened;
  claimed.reserve(taken->rows.size());
  for (const pqxx::row& row : taken->rows) {
    LeasedEmail email = LeasedEmailOf(row);
    email.opened = OpenLeased(email, row[kRecipientSealed], row[kContentSealed], keys_);
    if (absl::IsUnavailable(email.opened)) {
      unopened.push_back(email.lease);  // not the email's fault: it waits for its key
    } else {
      claimed.push_back(std::move(email));
    }
  }
  if (!unopened.empty()) ReturnLeases(unopened).IgnoreError();  // else the rescue takes them over
  return claimed;
}

absl::StatusOr<std::vector<BeginResult>> PostgresQueueStore::BeginAttempts(
    absl::Span<const AttemptStart> starts, absl::Duration time_needed) {
  std::vector<Lease> leases;
  leases.reserve(starts.size());
  for (const AttemptStart& start : starts) leases.push_back(start.lease);

  using Results = absl::StatusOr<std::vector<BeginResult>>;
  Results results =
      RunTransaction(pool_, Engine("begin_attempts"), [&](Transaction& transaction) -> Results {
        std::vector<BeginResult> answers(starts.size());
        const std::vector<size_t> held = LockLeases(transaction, leases, time_needed);
        std::vector<FinishedEmail> stopped;
        const std::vector<Judgement> judgements =
            held.empty() ? std::vector<Judgement>() : Judge(transaction, starts, held);
        for (size_t k = 0; k < held.size(); ++k) {
          const Judgement& judgement = judgements[k];
          BeginResult& answer = answers[held[k]];
          answer.attempt = judgement.begun ? judgement.attempt : 0;
          if (judgement.begun) {
            answer.verdict = BeginResult::Verdict::kBegun;
          } else if (IsTerminal(judgement.state) || judgement.overdue || judgement.suppressed) {
            const Lease& lease = leases[held[k]];
            stopped.push_back(StopEmail(lease.tenant, lease.email, judgement.state,
                                        judgement.attempt - 1,
                                        judgement.overdue ? "" : judgement.suppression));
            answer.verdict = BeginResult::Verdict::kStopped;
            answer.stopped_as = stopped.back().state;
          }
        }
        FinishEmails(transaction, stopped);
        FindStopped(transaction, starts, answers);
        return answers;
      });
  if (!results.ok()) return StoreError(results.status());
  return results;
}

absl::Status PostgresQueueStore::ReturnLeases(absl::Span<const Lease> leases) {
  const absl::Status returned =
      RunTransaction(pool_, Engine("return_leases"), [&](Transaction& transaction) -> absl::Status {
        ArrayParam tenants, emails;
        for (size_t i : LockLeases(transaction, leases, absl::nullopt)) {
          tenants.AddInt(leases[i].tenant.value);
          emails.AddInt(leases[i].email.value);
        }
        transaction.Call(queue_sql::kReturn, tenants.Take(), emails.Take());
        return absl::OkStatus();
      });
  for (LaneTurns& turns : turns_) turns.LookBack();  // they keep their places in line
  return StoreError(returned);
}

absl::StatusOr<std::vector<LaneDepth>> PostgresQueueStore::Depths() {
  const absl::StatusOr<pqxx::result> rows =
      RunTransaction(pool_, Engine("queue_depths", /*read_only=*/true),
                     [](Transaction& transaction) -> absl::StatusOr<pqxx::result> {
                       return transaction.Exec(queue_sql::kPending);
                     });
  if (!rows.ok()) return StoreError(rows.status());
  std::map<Lane, absl::Duration> ages = oldest_due_.Ages();
  std::vector<LaneDepth> depths;
  for (const pqxx::row& row : *rows) {
    const auto lane = static_cast<Lane>(IntOf(row[0]));
    depths.push_back({.lane = lane,
                      .pending = row[1].is_null() ? 0 : Int64Of(row[1]),
                      .oldest_age = ages[lane]});
  }
  return depths;
}

absl::StatusOr<int> PostgresQueueStore::NextNode() {
  absl::StatusOr<int> node = RunTransaction(
      pool_, Engine("next_node"), [](Transaction& transaction) -> absl::StatusOr<int> {
        return IntOf(transaction.Exec(queue_sql::kNextNode)[0][0]);
      });
  if (!node.ok()) return StoreError(node.status());
  return node;
}

absl::Status PostgresQueueStore::Ping() {
  return StoreError(
      RunTransaction(pool_, Engine("ping"), [](Transaction& transaction) -> absl::Status {
        transaction.ExecScript(queue_sql::kPing);
        return absl::OkStatus();
      }));
}

}  // namespace herald::storage
