#include "client/idempotency_key.h"

#include <algorithm>

#include "absl/status/status.h"

namespace herald::client {
namespace {

constexpr size_t kKeyLengthMax = 256;

bool IsPrintableAscii(char c) { return c >= 0x20 && c <= 0x7e; }

}  // namespace

absl::StatusOr<IdempotencyKey> IdempotencyKey::Create(absl::string_view text) {
  if (text.empty() || text.size() > kKeyLengthMax) {
    return absl::InvalidArgumentError("an idempotency key has 1 to 256 characters");
  }
  if (!std::all_of(text.begin(), text.end(), IsPrintableAscii)) {
    return absl::InvalidArgumentError("an idempotency key consists of printable ASCII characters");
  }
  return IdempotencyKey(std::string(text));
}

}  // namespace herald::client
