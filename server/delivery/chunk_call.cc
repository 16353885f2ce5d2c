#include "server/delivery/chunk_call.h"

#include "absl/strings/str_cat.h"
#include "model/ids.h"
#include "providers/digest.h"

namespace herald::delivery {

std::vector<std::string> ChunkCall::MemberDigests() const {
  std::vector<std::string> digests;
  digests.reserve(singles.size());
  for (const auto& message : singles) digests.push_back(message->digest());
  return digests;
}

ChunkCall PrepareChunkCall(const providers::Provider& provider, storage::ChunkId chunk,
                           absl::Span<const providers::OutboundMessage> messages) {
  ChunkCall call;
  if (messages.size() <= provider.capabilities().batch_max) {
    const EmailId name{chunk.value};
    call.batch = provider.PrepareBatch(messages, absl::StrCat("chunk-", FormatEmailId(name)));
  }
  if (call.batch != nullptr) {
    call.key = call.batch->key();
    call.digest = call.batch->digest();
    return call;
  }
  std::string digests;
  call.singles.reserve(messages.size());
  for (const providers::OutboundMessage& message : messages) {
    call.singles.push_back(provider.Prepare(message));
    digests += call.singles.back()->digest();
  }
  call.digest = providers::Digest({digests});
  return call;
}

}  // namespace herald::delivery
