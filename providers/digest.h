#pragma once

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::providers {

// SHA-256 of the pieces, one behind the other: 32 bytes. Thread-safe.
std::string Digest(std::initializer_list<absl::string_view> pieces);

}  // namespace herald::providers
