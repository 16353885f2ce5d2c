#pragma once

#include "absl/strings/string_view.h"

namespace herald::templates {

// True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
bool IsValidUtf8(absl::string_view text);

}  // namespace herald::templates
