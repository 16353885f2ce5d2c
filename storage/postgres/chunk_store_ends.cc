// How leases of chunks end: recorded, rescued or overdue.

#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_rows.h"
#include "storage/postgres/chunk_store.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/email_rows.h"

namespace herald::storage {
namespace {

static_assert(static_cast<int>(ChunkEnd::Kind::kDone) == 0 &&
                  static_cast<int>(ChunkEnd::Kind::kRetry) == 1 &&
                  static_cast<int>(ChunkEnd::Kind::kUnconfirmed) == 2,
              "chunk_sql::kRecord names these numbers");

TransactionOptions Engine(const char* name) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = name};
}

std::string Seconds(absl::Duration delay) { return std::to_string(absl::ToDoubleSeconds(delay)); }

void RecordChunks(Transaction& transaction, absl::Span<const ChunkEnd> ends,
                  const std::vector<HeldChunk>& held) {
  ArrayParam tenants, chunks, tokens, attempts, outcomes, accounts, digests, codes, details, kinds,
      delays, reasons, message_ids, others, outcomes_of_members, free, tried, rests;
  for (const HeldChunk& chunk : held) {
    const ChunkEnd& end = ends[chunk.index];
    tenants.AddInt(end.lease.tenant.value);
    chunks.AddInt(end.lease.chunk.value);
    tokens.AddInt(end.lease.token);
    attempts.AddInt(end.attempt);
    outcomes.AddInt(end.attempt == 0 ? absl::optional<int64_t>()
                                     : absl::optional<int64_t>(static_cast<int64_t>(
                                           end.outcome.value_or(Outcome::kUnconfirmed))));
    accounts.AddText(end.account);
    digests.AddBytes(end.request_digest);
    codes.AddText(end.error_code);
    details.AddText(end.detail);
    kinds.AddInt(static_cast<int64_t>(end.kind));
    delays.AddText(Seconds(end.delay));
    reasons.AddText(end.reason);
    message_ids.AddText(TextArray(end.message_ids));
    std::vector<int64_t> ids;
    for (const MemberEnd& member : end.others) ids.push_back(member.email.value);
    others.AddText(IntArray(ids));
    std::vector<int64_t> numbers;
    for (const Outcome outcome : end.outcomes) numbers.push_back(static_cast<int64_t>(outcome));
    outcomes_of_members.AddText(IntArray(numbers));
    free.AddInt(end.free ? 1 : 0);
    tried.AddText(absl::StrJoin(end.tried_accounts, ","));
    std::vector<int64_t> rest;
    for (const EmailId email : end.rest) rest.push_back(email.value);
    rests.AddText(IntArray(rest));
  }
  transaction.Call(chunk_sql::kRecord, tenants.Take(), chunks.Take(), tokens.Take(),
                   attempts.Take(), outcomes.Take(), accounts.Take(), digests.Take(), codes.Take(),
                   details.Take(), kinds.Take(), delays.Take(), reasons.Take(), message_ids.Take(),
                   others.Take(), outcomes_of_members.Take(), free.Take(), tried.Take(),
                   rests.Take());
}

// After RecordChunks; the chunks are gone by then, or hold the rest alone.
void RecordOthers(Transaction& transaction, absl::Span<const ChunkEnd> ends,
                  const std::vector<HeldChunk>& held) {
  ArrayParam tenants, emails, lanes, attempts, accounts, digests, since, codes, details, kinds,
      delays, reasons, chunks, free, tried;
  bool any = false;
  for (const HeldChunk& chunk : held) {
    const ChunkEnd& end = ends[chunk.index];
    for (const MemberEnd& member : end.others) {
      any = true;
      tenants.AddInt(end.lease.tenant.value);
      emails.AddInt(member.email.value);
      lanes.AddInt(static_cast<int64_t>(end.lane));
      attempts.AddInt(end.attempt);
      accounts.AddText(end.account);
      digests.AddBytes(member.request_digest.empty() ? end.request_digest : member.request_digest);
      since.AddTime(end.unconfirmed_since);
      codes.AddText(member.error_code);
      details.AddText(member.detail);
      kinds.AddInt(static_cast<int64_t>(member.disposition.kind));
      delays.AddText(Seconds(member.disposition.delay));
      reasons.AddText(member.disposition.reason);
      chunks.AddInt(end.lease.chunk.value);
      free.AddInt(end.free_before + (member.disposition.free ? 1 : 0));
      tried.AddText(absl::StrJoin(member.disposition.tried_accounts, ","));
    }
  }
  if (!any) return;
  transaction.Exec(chunk_sql::kRecordOthers, tenants.Take(), emails.Take(), lanes.Take(),
                   attempts.Take(), accounts.Take(), digests.Take(), since.Take(), codes.Take(),
                   details.Take(), kinds.Take(), delays.Take(), reasons.Take(), chunks.Take(),
                   free.Take(), tried.Take());
}

// Members whose time is over leave their chunks; an unconfirmed chunk cannot lose any and
// dissolves.
int ExpireIn(Transaction& transaction, int limit) {
  const pqxx::result locked = transaction.Exec(chunk_sql::kLockOverdue, limit);
  if (locked.empty()) return 0;
  std::vector<ChunkName> broken;
  for (const pqxx::row& row : locked) {
    if (!BoolOf(row[2])) continue;
    broken.push_back({TenantId{Int64Of(row[0])}, ChunkId{Int64Of(row[1])}});
  }
  BreakUpChunks(transaction, broken);
  const std::vector<ChunkName> names = ChunksOf(locked);
  ChunkArrays arrays = ArraysOf(names);
  std::vector<FinishedEmail> finished;
  std::vector<ChunkMember> leaving;
  for (const pqxx::row& row : transaction.Exec(
           chunk_sql::kOverdueMembers, std::move(arrays.tenants), std::move(arrays.chunks))) {
    const ChunkName& chunk = names[static_cast<size_t>(Int64Of(row[0])) - 1];
    const EmailId email{Int64Of(row[2])};
    const auto state = static_cast<EmailState>(IntOf(row[3]));
    leaving.push_back({chunk, email});
    if (!IsUndecided(state)) continue;
    finished.push_back(StopEmail(chunk.tenant, email, state, IntOf(row[1]), ""));
  }
  FinishEmails(transaction, finished);
  DropMembers(transaction, leaving);
  return static_cast<int>(locked.size());
}

}  // namespace

absl::StatusOr<std::vector<bool>> PostgresChunkStore::RecordEnds(absl::Span<const ChunkEnd> ends) {
  std::vector<ChunkLease> leases;
  leases.reserve(ends.size());
  for (const ChunkEnd& end : ends) leases.push_back(end.lease);
  using Results = absl::StatusOr<std::vector<bool>>;
  Results results =
      RunTransaction(pool_, Engine("record_chunk_ends"), [&](Transaction& transaction) -> Results {
        std::vector<bool> recorded(ends.size());
        const std::vector<HeldChunk> held = LockChunks(transaction, leases, absl::nullopt);
        if (held.empty()) return recorded;
        RecordChunks(transaction, ends, held);
        RecordOthers(transaction, ends, held);
        for (const HeldChunk& chunk : held) recorded[chunk.index] = true;
        return recorded;
      });
  if (!results.ok()) return StoreError(results.status());
  return results;
}

absl::StatusOr<int> PostgresChunkStore::RescueExpired(int limit, int claims_max) {
  absl::StatusOr<int> rescued = RunTransaction(
      pool_, Engine("rescue_chunks"), [&](Transaction& transaction) -> absl::StatusOr<int> {
        const pqxx::result locked = transaction.Exec(chunk_sql::kLockExpiredLeases, limit);
        if (locked.empty()) return 0;
        ChunkArrays arrays = ArraysOf(ChunksOf(locked));
        BreakUpChunks(transaction,
                      ChunksOf(transaction.Exec(chunk_sql::kRescue, std::move(arrays.tenants),
                                                std::move(arrays.chunks), claims_max)));
        return static_cast<int>(locked.size());
      });
  if (!rescued.ok()) return StoreError(rescued.status());
  return rescued;
}

absl::StatusOr<int> PostgresChunkStore::ExpireOverdue(int limit) {
  absl::StatusOr<int> expired = RunTransaction(
      pool_, Engine("expire_chunks"), [&](Transaction& transaction) -> absl::StatusOr<int> {
        return ExpireIn(transaction, limit);
      });
  if (!expired.ok()) return StoreError(expired.status());
  return expired;
}

}  // namespace herald::storage
