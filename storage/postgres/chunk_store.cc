#include "storage/postgres/chunk_store.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_split.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_rows.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/fair_claim.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

enum ClaimColumn : pqxx::row::size_type {
  kTenant,
  kChunk,
  kToken,
  kClaims,
  kAttempts,
  kLane,
  kUnconfirmedAccount,
  kUnconfirmedDigest,
  kUnconfirmedTime,
  kClaimTime,
  kFreeAttempts,
  kTriedAccounts,
};

enum MemberColumn : pqxx::row::size_type {
  kPosition,
  kPlace,
  kEmail,
  kRecipientSealed,
  kTemplateKey,
  kTemplateVersion,
  kCategory,
  kTraceparent,
  kCreateTime,
  kContentSealed,
  kUserId,
  kExpireTime,
};

TransactionOptions Engine(const char* name) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = name};
}

LeasedChunk ChunkOf(const pqxx::row& row) {
  LeasedChunk chunk;
  chunk.lease = {TenantId{Int64Of(row[kTenant])}, ChunkId{Int64Of(row[kChunk])},
                 Int64Of(row[kToken])};
  chunk.lane = static_cast<Lane>(IntOf(row[kLane]));
  chunk.claims = IntOf(row[kClaims]);
  chunk.attempts = IntOf(row[kAttempts]);
  chunk.free_attempts = IntOf(row[kFreeAttempts]);
  chunk.tried_accounts = absl::StrSplit(TextOf(row[kTriedAccounts]), ',', absl::SkipEmpty());
  chunk.claim_time = TimeOf(row[kClaimTime]);
  if (!row[kUnconfirmedTime].is_null()) {
    chunk.unconfirmed =
        UnconfirmedAttempt{TextOf(row[kUnconfirmedAccount]), BytesOf(row[kUnconfirmedDigest]),
                           TimeOf(row[kUnconfirmedTime])};
  }
  return chunk;
}

LeasedEmail MemberOf(const pqxx::row& row, const LeasedChunk& chunk, TenantKeys& keys) {
  LeasedEmail email;
  email.lease = {chunk.lease.tenant, EmailId{Int64Of(row[kEmail])}, chunk.lease.token};
  email.lane = chunk.lane;
  email.claims = chunk.claims;
  email.attempts = chunk.attempts;
  email.template_key = TextOf(row[kTemplateKey]);
  email.template_version = IntOf(row[kTemplateVersion]);
  email.category = TextOf(row[kCategory]);
  email.traceparent = TextOf(row[kTraceparent]);
  email.create_time = TimeOf(row[kCreateTime]);
  email.claim_time = chunk.claim_time;
  email.user_id = TextOf(row[kUserId]);
  email.expire_time = TimeOf(row[kExpireTime]);
  email.opened = OpenLeased(email, row[kRecipientSealed], row[kContentSealed], keys);
  return email;
}

// Ordered by tenant and chunk, and their members as in the batch.
std::vector<LeasedChunk> LeasedChunksOf(const Claimed& claimed, TenantKeys& keys) {
  std::vector<LeasedChunk> chunks;
  chunks.reserve(claimed.rows.size());
  for (const pqxx::row& row : claimed.rows) chunks.push_back(ChunkOf(row));
  using Place = std::tuple<int64_t, int64_t, pqxx::result::size_type>;
  std::vector<Place> order;
  order.reserve(claimed.members.size());
  for (const pqxx::row& row : claimed.members) {
    order.emplace_back(Int64Of(row[kPosition]), Int64Of(row[kPlace]), row.num());
  }
  std::sort(order.begin(), order.end());
  for (const auto& [position, place, number] : order) {
    LeasedChunk& chunk = chunks[static_cast<size_t>(position) - 1];
    chunk.members.push_back(MemberOf(claimed.members[number], chunk, keys));
  }
  // One whose emails are all gone holds nothing to send; the rescue removes it.
  std::erase_if(chunks, [](const LeasedChunk& chunk) { return chunk.members.empty(); });
  std::sort(chunks.begin(), chunks.end(), [](const LeasedChunk& a, const LeasedChunk& b) {
    return std::tie(a.lease.tenant, a.lease.chunk) < std::tie(b.lease.tenant, b.lease.chunk);
  });
  return chunks;
}

bool WaitsForKey(const LeasedChunk& chunk) {
  for (const LeasedEmail& member : chunk.members) {
    if (absl::IsUnavailable(member.opened)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<LeasedChunk>> PostgresChunkStore::Claim(
    Lane lane, int limit, absl::Duration lease, absl::Span<const TenantId> except) {
  const absl::StatusOr<Claimed> taken = TakeTurns(
      pool_, turns_[static_cast<size_t>(lane) - 1],
      {&chunk_sql::kClaim, "chunk_id", &chunk_sql::kLeasedMembers}, lane, limit, lease, except);
  if (!taken.ok()) return StoreError(taken.status());
  std::vector<LeasedChunk> all = LeasedChunksOf(*taken, keys_);

  std::vector<LeasedChunk> claimed;
  std::vector<ChunkLease> unopened;
  for (LeasedChunk& chunk : all) {
    if (WaitsForKey(chunk)) {
      unopened.push_back(chunk.lease);
    } else {
      claimed.push_back(std::move(chunk));
    }
  }
  if (!unopened.empty()) ReturnLeases(unopened).IgnoreError();  // else the rescue takes them over
  return claimed;
}

absl::Status PostgresChunkStore::ReturnLeases(absl::Span<const ChunkLease> leases) {
  const absl::Status returned =
      RunTransaction(pool_, Engine("return_chunks"), [&](Transaction& transaction) -> absl::Status {
        std::vector<ChunkName> held;
        for (const HeldChunk& chunk : LockChunks(transaction, leases, absl::nullopt)) {
          held.push_back({leases[chunk.index].tenant, leases[chunk.index].chunk});
        }
        ChunkArrays arrays = ArraysOf(held);
        transaction.Exec(chunk_sql::kReturn, std::move(arrays.tenants), std::move(arrays.chunks));
        return absl::OkStatus();
      });
  for (LaneTurns& turns : turns_) turns.LookBack();  // they keep their places in line
  return StoreError(returned);
}

absl::Status PostgresChunkStore::BreakUp(absl::Span<const ChunkLease> leases) {
  return StoreError(RunTransaction(
      pool_, Engine("break_up_chunks"), [&](Transaction& transaction) -> absl::Status {
        std::vector<ChunkName> held;
        for (const HeldChunk& chunk : LockChunks(transaction, leases, absl::nullopt)) {
          held.push_back({leases[chunk.index].tenant, leases[chunk.index].chunk});
        }
        BreakUpChunks(transaction, held);
        return absl::OkStatus();
      }));
}

}  // namespace herald::storage
