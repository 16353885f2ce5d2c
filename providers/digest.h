#pragma once

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::providers {

// Tells whether bytes that we made are the same as before: XXH3 (128 bits, canonical form) of the
// pieces, one behind the other; 16 bytes. Not for what somebody could profit from forging. It is
// stored with attempts, so another algorithm makes those that are unconfirmed unrepeatable.
// Thread-safe.
std::string Digest(std::initializer_list<absl::string_view> pieces);

}  // namespace herald::providers
