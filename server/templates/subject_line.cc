#include "server/templates/subject_line.h"

#include "absl/strings/ascii.h"

namespace herald::templates {
namespace {

// Bytes of the control character at `text[i]`, 0 when there is none.
size_t ControlLength(absl::string_view text, size_t i) {
  const auto byte = [&](size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
  };
  if (byte(i) < 0x20 || byte(i) == 0x7F) return 1;
  if (byte(i) == 0xC2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xA0) return 2;
  const bool separator = byte(i + 2) == 0xA8 || byte(i + 2) == 0xA9;
  if (byte(i) == 0xE2 && byte(i + 1) == 0x80 && separator) return 3;
  return 0;
}

}  // namespace

std::string SubjectLine(absl::string_view text) {
  std::string line;
  line.reserve(text.size());
  bool in_controls = false;
  for (size_t i = 0; i < text.size();) {
    const size_t control = ControlLength(text, i);
    if (control == 0) {
      line.push_back(text[i++]);
    } else {
      if (!in_controls) line.push_back(' ');
      i += control;
    }
    in_controls = control != 0;
  }
  absl::StripAsciiWhitespace(&line);
  return line;
}

}  // namespace herald::templates
