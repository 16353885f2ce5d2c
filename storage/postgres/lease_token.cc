#include "storage/postgres/lease_token.h"

#include "storage/crypto/random.h"

namespace herald::storage {

int64_t NewLeaseToken() {
  uint64_t bits = 0;
  FillRandomFast(&bits, sizeof(bits));
  return static_cast<int64_t>(bits >> 2) + 1;  // 0 is no lease
}

}  // namespace herald::storage
