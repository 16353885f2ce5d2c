#include "storage/postgres/chunk_rows.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_store_sql.h"

namespace herald::storage {
namespace {

auto KeyOf(const ChunkLease& lease) { return std::tie(lease.tenant, lease.chunk, lease.token); }

}  // namespace

std::vector<HeldChunk> LockChunks(Transaction& transaction, absl::Span<const ChunkLease> leases,
                                  absl::optional<absl::Duration> time_needed) {
  std::vector<size_t> order(leases.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return KeyOf(leases[a]) < KeyOf(leases[b]); });
  ArrayParam tenants(order.size()), chunks(order.size(), 20), tokens(order.size());
  for (size_t i : order) {
    tenants.AddInt(leases[i].tenant.value);
    chunks.AddInt(leases[i].chunk.value);
    tokens.AddInt(leases[i].token);
  }
  absl::optional<std::string> seconds;
  if (time_needed.has_value()) seconds = std::to_string(absl::ToDoubleSeconds(*time_needed));
  std::vector<HeldChunk> held;
  for (const pqxx::row& row :
       transaction.Call(chunk_sql::kLock, tenants.Take(), chunks.Take(), tokens.Take(), seconds)) {
    held.push_back(
        {order[static_cast<size_t>(Int64Of(row[0])) - 1], static_cast<size_t>(Int64Of(row[1]))});
  }
  return held;
}

ChunkArrays ArraysOf(const std::vector<ChunkName>& chunks) {
  ArrayParam tenants(chunks.size()), ids(chunks.size(), 20);
  for (const ChunkName& chunk : chunks) {
    tenants.AddInt(chunk.tenant.value);
    ids.AddInt(chunk.chunk.value);
  }
  return {tenants.Take(), ids.Take()};
}

std::vector<ChunkName> ChunksOf(const pqxx::result& rows) {
  std::vector<ChunkName> chunks;
  chunks.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    chunks.push_back({TenantId{Int64Of(row["tenant_id"])}, ChunkId{Int64Of(row["chunk_id"])}});
  }
  return chunks;
}

void DropMembers(Transaction& transaction, const std::vector<ChunkMember>& members) {
  if (members.empty()) return;
  ArrayParam tenants, chunks, emails;
  for (const ChunkMember& member : members) {
    tenants.AddInt(member.of.tenant.value);
    chunks.AddInt(member.of.chunk.value);
    emails.AddInt(member.email.value);
  }
  transaction.Exec(chunk_sql::kDropMembers, tenants.Take(), chunks.Take(), emails.Take());
}

void BreakUpChunks(Transaction& transaction, const std::vector<ChunkName>& chunks) {
  if (chunks.empty()) return;
  ChunkArrays arrays = ArraysOf(chunks);
  transaction.Exec(chunk_sql::kBreakUp, std::move(arrays.tenants), std::move(arrays.chunks));
}

}  // namespace herald::storage
