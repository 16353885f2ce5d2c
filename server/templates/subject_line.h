#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::templates {

// One header-safe line: every run of control characters (C0, DEL, C1, U+2028, U+2029), CR and LF
// among them, becomes a single space, and the ends are trimmed. `text` is valid UTF-8.
std::string SubjectLine(absl::string_view text);

}  // namespace herald::templates
