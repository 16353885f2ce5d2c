// The HTML part of an email that has only text.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::templates {

// Escapes, makes paragraphs of blank lines and <br> of line ends, and links http and https URLs.
std::string TextToHtml(absl::string_view text);

}  // namespace herald::templates
