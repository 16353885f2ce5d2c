#include "providers/diagnostic.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace herald::providers {
namespace {

// What may stand around an address in prose. '=' and '+' stay part of it, so that encoded
// addresses (VERP) are masked as a whole.
bool EndsAddress(char c) {
  return absl::ascii_isspace(static_cast<unsigned char>(c)) ||
         absl::string_view("<>()[]{},;:\"'|").find(c) != absl::string_view::npos;
}

// Where the address around text[at] == '@' begins.
size_t AddressBegin(absl::string_view text, size_t at) {
  if (at > 0 && text[at - 1] == '"') {
    const size_t open = at >= 2 ? text.rfind('"', at - 2) : absl::string_view::npos;
    return open == absl::string_view::npos ? 0 : open;
  }
  size_t begin = at;
  while (begin > 0 && !EndsAddress(text[begin - 1])) --begin;
  return begin;
}

size_t AddressEnd(absl::string_view text, size_t at) {
  size_t end = at + 1;
  const bool domain_literal = end < text.size() && text[end] == '[';  // user@[192.0.2.1]
  if (domain_literal) ++end;
  while (end < text.size() && !EndsAddress(text[end])) ++end;
  return domain_literal && end < text.size() && text[end] == ']' ? end + 1 : end;
}

std::string MaskAddresses(absl::string_view text) {
  std::string masked;
  while (true) {
    const size_t at = text.find('@');
    if (at == absl::string_view::npos) break;
    absl::StrAppend(&masked, text.substr(0, AddressBegin(text, at)), "[address]");
    text.remove_prefix(AddressEnd(text, at));
  }
  absl::StrAppend(&masked, text);
  return masked;
}

}  // namespace

std::string CleanText(absl::string_view text, size_t bytes_max) {
  size_t size = text.size();
  if (size > bytes_max) {
    size = bytes_max;
    // Bytes 10xxxxxx continue a character.
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  }
  std::string clean(text.substr(0, size));
  for (char& c : clean) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  absl::StripAsciiWhitespace(&clean);
  return clean;
}

std::string MaskedDiagnostic(absl::string_view text, size_t bytes_max) {
  return CleanText(MaskAddresses(text), bytes_max);
}

}  // namespace herald::providers
