#pragma once

#include <cstddef>
#include <string>

namespace herald::storage {

// Cryptographic randomness. Thread-safe. A system without randomness ends the process: nothing may
// be sealed with what is not random.
void FillRandom(void* to, size_t size);
std::string RandomBytes(size_t size);

// As FillRandom for small sizes, at most 64 bytes, from a buffer of the thread's own: some twenty
// times faster. Not for keys, since the buffer is not wiped; not after a fork without exec.
void FillRandomFast(void* to, size_t size);

}  // namespace herald::storage
