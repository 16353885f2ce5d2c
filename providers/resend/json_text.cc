#include "providers/resend/json_text.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

namespace herald::providers {
namespace {

// What a byte of ASCII becomes: itself, the letter of its short escape, or kForeign.
constexpr char kForeign = '\0';

constexpr std::array<char, 256> Written() {
  std::array<char, 256> written{};
  for (size_t byte = 0x20; byte < 0x80; ++byte) written[byte] = static_cast<char>(byte);
  constexpr absl::string_view kEscaped = "\b\f\n\r\t";
  constexpr absl::string_view kLetters = "bfnrt";
  for (size_t i = 0; i < kEscaped.size(); ++i) {
    written[static_cast<unsigned char>(kEscaped[i])] = kLetters[i];
  }
  return written;
}
constexpr std::array<char, 256> kWritten = Written();

char WrittenAs(char byte) { return kWritten[static_cast<unsigned char>(byte)]; }
bool IsForeign(char byte) { return WrittenAs(byte) == kForeign; }
bool IsPlain(char byte) {
  return !IsForeign(byte) && WrittenAs(byte) == byte && byte != '"' && byte != '\\';
}

// Behind the plain bytes at `begin`, which are most of a text: eight at a time.
size_t EndOfPlain(absl::string_view text, size_t begin) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = kOnes * 0x80;
  for (; begin + sizeof(uint64_t) <= text.size(); begin += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + begin, sizeof(word));
    // A high bit is set where a byte is not plain; whether the bytes above it are is not said.
    const uint64_t quotes = (word ^ kOnes * '"') - kOnes;
    const uint64_t backslashes = (word ^ kOnes * '\\') - kOnes;
    const uint64_t controls = word - kOnes * ' ';
    if (((word | quotes | backslashes | controls) & kHighs) != 0) break;
  }
  while (begin < text.size() && IsPlain(text[begin])) ++begin;
  return begin;
}

}  // namespace

// The library writes what is not ASCII. Whether a run of such bytes is valid UTF-8 is decided
// within it, since ASCII bounds it on both sides.
void AppendJsonText(std::string* out, absl::string_view text) {
  *out += '"';
  for (size_t at = 0; at < text.size();) {
    size_t end = EndOfPlain(text, at);
    out->append(text.data() + at, end - at);
    for (at = end; at < text.size() && !IsPlain(text[at]) && !IsForeign(text[at]); ++at) {
      const char escape[] = {'\\', WrittenAs(text[at])};
      out->append(escape, sizeof(escape));
    }
    end = at;
    while (end < text.size() && IsForeign(text[end])) ++end;
    if (end == at) continue;
    const std::string foreign = nlohmann::json(std::string(text.substr(at, end - at)))
                                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out->append(foreign, 1, foreign.size() - 2);
    at = end;
  }
  *out += '"';
}

}  // namespace herald::providers
