#include "providers/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace herald::providers {

std::string Digest(std::initializer_list<absl::string_view> pieces) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (absl::string_view piece : pieces) XXH3_128bits_update(&state, piece.data(), piece.size());
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
  return std::string(reinterpret_cast<const char*>(digest.digest), sizeof digest.digest);
}

}  // namespace herald::providers
