#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::templates {

// Appends `text` with & < > " ' as character references, safe in element content and in quoted
// attribute values. False, with `out` unspecified, once `out` would exceed `bytes_max`.
bool AppendEscapedHtml(absl::string_view text, size_t bytes_max, std::string& out);

}  // namespace herald::templates
