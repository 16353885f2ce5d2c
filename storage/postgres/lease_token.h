#pragma once

#include <cstdint>

namespace herald::storage {

// What tells a lease from every other one of the same row: random, positive. A sequence would not
// do: a server that crashes before a claim is on the disk forgets how far it was, and would give
// the token of a lease whose holder is still alive to the next one. Thread-safe.
int64_t NewLeaseToken();

}  // namespace herald::storage
