#include "providers/resend/json_text.h"

#include <array>
#include <nlohmann/json.hpp>

namespace herald::providers {
namespace {

// Bytes that stand for themselves.
constexpr std::array<bool, 256> PlainBytes() {
  std::array<bool, 256> plain{};
  for (size_t byte = 0x20; byte < 0x80; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = PlainBytes();

bool IsPlain(char byte) { return kPlain[static_cast<unsigned char>(byte)]; }

}  // namespace

// Whether a run of bytes is valid UTF-8 is decided within it, since ASCII bounds it on both sides.
void AppendJsonText(std::string* out, absl::string_view text) {
  *out += '"';
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && IsPlain(text[end])) ++end;
    out->append(text.data() + at, end - at);
    at = end;
    while (end < text.size() && !IsPlain(text[end])) ++end;
    if (end == at) continue;
    const std::string escaped = nlohmann::json(std::string(text.substr(at, end - at)))
                                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out->append(escaped, 1, escaped.size() - 2);
    at = end;
  }
  *out += '"';
}

}  // namespace herald::providers
