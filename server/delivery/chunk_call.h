#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "providers/provider.h"
#include "storage/chunk_store.h"

namespace herald::delivery {

// What is handed over of a chunk, as it goes on the wire: one batch call, or a request for each
// member where the account does not take them together. Equal members give an equal digest.
struct ChunkCall {
  std::unique_ptr<providers::PreparedBatch> batch;
  // Without a batch: of the members in their order, each under its own key.
  std::vector<std::unique_ptr<providers::PreparedMessage>> singles;
  std::string key;  // of the batch; else empty
  std::string digest;

  bool in_one() const { return batch != nullptr; }
  // Of each single request; none of a batch.
  std::vector<std::string> MemberDigests() const;
};

ChunkCall PrepareChunkCall(const providers::Provider& provider, storage::ChunkId chunk,
                           absl::Span<const providers::OutboundMessage> messages);

}  // namespace herald::delivery
