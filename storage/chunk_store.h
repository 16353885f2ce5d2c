#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/ids.h"
#include "model/outcome.h"
#include "storage/queue_store.h"

namespace herald::storage {

// A chunk bears the number of one of its emails.
using ChunkId = Id<struct ChunkTag>;

struct ChunkLease {
  TenantId tenant;
  ChunkId chunk;
  int64_t token = 0;
};

// A chunk with all that is needed to hand it over.
struct LeasedChunk {
  ChunkLease lease;
  Lane lane = Lane::kBulk;
  int claims = 0;                           // this one included
  int attempts = 0;                         // hand-overs begun so far
  int free_attempts = 0;                    // of these, those that use up no retry budget
  std::vector<std::string> tried_accounts;  // that just failed it; others are to take it now
  absl::Time claim_time;
  absl::optional<UnconfirmedAttempt> unconfirmed;
  // In the order of the batch call; their leases carry the chunk's token, but no queue row has it.
  std::vector<LeasedEmail> members;
};

struct ChunkStart {
  ChunkLease lease;
  std::vector<Lease> members;  // of the batch as it was rendered
  std::string account;
  std::string request_key;     // empty: every member goes under a key of its own
  std::string request_digest;  // the provider's
};

struct ChunkBegin {
  enum class Verdict {
    kBegun,    // recorded and committed: hand over now
    kStale,    // the lease is gone or too short: drop it, change nothing
    kChanged,  // nothing was begun: only `members` are left, render those and begin again
  };
  // A member that may not go: cancelled, suppressed or expired, already recorded as such.
  struct Stopped {
    EmailId email;
    EmailState state = EmailState::kCancelled;
  };
  Verdict verdict = Verdict::kStale;
  int attempt = 0;               // kBegun: its number, from 1
  std::vector<EmailId> members;  // kChanged; none: the chunk is gone
  std::vector<Stopped> stopped;
};

// How a member of a batch ended that did not simply share the fate of its chunk.
struct MemberEnd {
  EmailId email;
  std::string error_code;
  std::string detail;
  Disposition disposition;  // kRetry and kUnconfirmed: it goes on alone, in the queue
  // Of its own request, which it can repeat alone; empty: it had none, but for the chunk's.
  std::string request_digest = {};
};

// How a hand-over of a chunk ended.
struct ChunkEnd {
  enum class Kind {
    kDone,         // the members but `others` and `rest` are SENT; the chunk leaves, or shrinks
    kRetry,        // nothing was taken: the chunk is due again after `delay`
    kUnconfirmed,  // all members UNCONFIRMED; the chunk is looked at again after `delay`
  };
  ChunkLease lease;
  Lane lane = Lane::kBulk;
  int attempt = 0;      // 0: nothing was handed over, the chunk only waits on (kRetry)
  int free_before = 0;  // LeasedChunk::free_attempts
  absl::optional<Outcome> outcome;
  std::string account;
  std::string request_digest;
  std::string error_code;
  std::string detail;
  Kind kind = Kind::kUnconfirmed;
  absl::Duration delay;
  bool free = false;                             // kRetry, `rest`: it uses up no retry budget
  std::vector<std::string> tried_accounts;       // kRetry, `rest`: as Disposition's
  std::string reason;                            // state_reason of the members
  absl::optional<absl::Time> unconfirmed_since;  // when this hand-over repeats an unconfirmed one
  std::vector<std::string> message_ids;  // kDone: in the order of the batch, empty where not taken
  std::vector<Outcome> outcomes;         // kDone: likewise; none when all are `outcome`
  std::vector<MemberEnd> others;         // kDone
  // kDone of a chunk that repeats nothing: what is left of it, in the order of the members, and due
  // again after `delay`.
  std::vector<EmailId> rest;
};

// The chunks of the queue from the engine's side: as QueueStore, of which each method has the
// contract of its namesake, with a chunk as the unit. Thread-safe, blocking.
class ChunkStore {
 public:
  virtual ~ChunkStore() = default;

  // Tenants take turns, but for those in `except`.
  virtual absl::StatusOr<std::vector<LeasedChunk>> Claim(Lane lane, int limit, absl::Duration lease,
                                                         absl::Span<const TenantId> except) = 0;
  // Judges every member again. Members that may not go leave the chunk; when that makes an
  // identical repetition impossible, the rest goes on alone, unconfirmed.
  virtual absl::StatusOr<std::vector<ChunkBegin>> Begin(absl::Span<const ChunkStart> starts,
                                                        absl::Duration time_needed) = 0;
  virtual absl::StatusOr<std::vector<bool>> RecordEnds(absl::Span<const ChunkEnd> ends) = 0;
  virtual absl::Status ReturnLeases(absl::Span<const ChunkLease> leases) = 0;
  // Lets the members of chunks go on alone, each with a row in the queue, knowing what the chunk
  // knew of earlier attempts. For chunks in which no attempt is open.
  virtual absl::Status BreakUp(absl::Span<const ChunkLease> leases) = 0;
  // A chunk claimed `claims_max` times without an end is broken up, since one member may be at
  // fault.
  virtual absl::StatusOr<int> RescueExpired(int limit, int claims_max) = 0;
  virtual absl::StatusOr<int> ExpireOverdue(int limit) = 0;
};

}  // namespace herald::storage
