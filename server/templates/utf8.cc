#include "server/templates/utf8.h"

#include <cstdint>
#include <cstring>

namespace herald::templates {
namespace {

bool IsContinuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// Length of the well-formed sequence at the start of `p`, 0 when there is none. The ranges of the
// second byte are those of RFC 3629 §4.
size_t SequenceLength(const unsigned char* p, size_t left) {
  const unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || left < 2) return 0;
  const unsigned char second = p[1];
  if (lead < 0xE0) return IsContinuation(second) ? 2 : 0;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (second < low || second > high) return 0;
  if (left < 3 || !IsContinuation(p[2])) return 0;
  if (lead < 0xF0) return 3;
  return left >= 4 && IsContinuation(p[3]) ? 4 : 0;
}

bool IsAscii8(const unsigned char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return (word & 0x8080808080808080u) == 0;
}

}  // namespace

bool IsValidUtf8(absl::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    const size_t length = left >= 8 && IsAscii8(p) ? 8 : SequenceLength(p, left);
    if (length == 0) return false;
    p += length;
    left -= length;
  }
  return true;
}

}  // namespace herald::templates
