#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::providers {

// Makes text fit to keep, or to be a line of so many bytes: control characters become blanks, and
// at most `bytes_max` bytes are kept, cut between characters. `text` must be valid UTF-8; so is the
// result.
std::string CleanText(absl::string_view text, size_t bytes_max);

// CleanText with every email address replaced by "[address]". Servers like to quote the recipient
// in their refusals.
std::string MaskedDiagnostic(absl::string_view text, size_t bytes_max);

}  // namespace herald::providers
