#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/optional.h"
#include "storage/email.h"

namespace herald::storage {

// Emails of one chunk at most: what the smallest batch call of a provider takes.
inline constexpr size_t kChunkMax = 100;

// The chunk, named by one of its emails, that each of `emails` goes into; nullopt: it goes alone.
// Only BULK shares one, with its own tenant, and nobody waits for company. Test emails, those with
// a send time and those with attachments, which batch calls do not take, go alone.
std::vector<absl::optional<int64_t>> AssignChunks(const std::vector<const NewEmail*>& emails);

}  // namespace herald::storage
