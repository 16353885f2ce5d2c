#include "storage/crypto/random.h"

#include <openssl/rand.h>

#include <cstdlib>
#include <cstring>

namespace herald::storage {

void FillRandom(void* to, size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(to), static_cast<int>(size)) != 1) std::abort();
}

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  FillRandom(&bytes[0], size);
  return bytes;
}

void FillRandomFast(void* to, size_t size) {
  struct Buffer {
    unsigned char bytes[3072];
    size_t used = sizeof(bytes);
  };
  thread_local Buffer buffer;
  if (buffer.used + size > sizeof(buffer.bytes)) {
    FillRandom(buffer.bytes, sizeof(buffer.bytes));
    buffer.used = 0;
  }
  std::memcpy(to, buffer.bytes + buffer.used, size);
  buffer.used += size;
}

}  // namespace herald::storage
