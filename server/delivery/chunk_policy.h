#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "server/delivery/retry_policy.h"
#include "storage/chunk_store.h"

namespace herald::delivery {

// A hand-over of a chunk, as the decision needs it.
struct ChunkHandOver {
  const storage::LeasedChunk* chunk = nullptr;
  int attempt = 0;
  absl::Duration idempotency_window;  // of the account
  bool repeats = false;               // an unconfirmed hand-over, under its key
  // Of the members' own requests; empty: they went in one batch call.
  std::vector<std::string> member_digests = {};
  // Other accounts that failed it and this one, when yet another takes at once what this did not.
  std::vector<std::string> tried_accounts = {};
};

// What follows from the provider's verdicts on a chunk, one for each member in order. Pure, but for
// the jitter. Fills in all that follows from the verdicts; the rest is left as it is.
//   all retryable or provider down   the chunk waits and goes again, whole
//   all unconfirmed                  it waits for its repetition, whole
//   all of a batch rejected          members go on alone at once: one of them may be at fault
//   else                             everybody by their own verdict; nobody is sent again for
//                                    another's sake. Who went in a request of their own and was not
//                                    taken through no fault of theirs (429, provider down, not
//                                    begun) stays together.
void DecideChunk(const LanePolicy& policy, const ChunkHandOver& hand_over,
                 absl::Span<const providers::SendResult> results, const Random& random,
                 storage::ChunkEnd* end);

}  // namespace herald::delivery
