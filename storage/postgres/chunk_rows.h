#pragma once

// Locks and membership of chunks, for every store that changes one. Includes libpqxx: only for
// sources of this folder.

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/email_state.h"
#include "storage/chunk_store.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {

// A lease that is live and now locked by this transaction.
struct HeldChunk {
  size_t index = 0;    // of the leases asked for
  size_t members = 0;  // as of now
};
// As LockLeases, of chunks.
std::vector<HeldChunk> LockChunks(Transaction& transaction, absl::Span<const ChunkLease> leases,
                                  absl::optional<absl::Duration> time_needed);

// A chunk as two parameters of a statement name it.
struct ChunkName {
  TenantId tenant;
  ChunkId chunk;
};
struct ChunkArrays {
  std::string tenants;
  std::string chunks;
};
ChunkArrays ArraysOf(const std::vector<ChunkName>& chunks);
// Of the columns tenant_id and chunk_id.
std::vector<ChunkName> ChunksOf(const pqxx::result& rows);

// Whether an email in the stored state still waits for its delivery.
inline bool IsUndecided(EmailState state) {
  return state == EmailState::kScheduled || state == EmailState::kQueued ||
         state == EmailState::kUnconfirmed;
}

struct ChunkMember {
  ChunkName of;
  EmailId email;
};
// Takes members out of their chunks, which this transaction has locked.
void DropMembers(Transaction& transaction, const std::vector<ChunkMember>& members);
// Dissolves chunks that this transaction has locked.
void BreakUpChunks(Transaction& transaction, const std::vector<ChunkName>& chunks);

}  // namespace herald::storage
