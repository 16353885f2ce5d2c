#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::storage {

// 32 bytes. Thread-safe.
std::string Sha256(absl::string_view message);

// Compares without telling by its duration where two values differ. Unequal lengths are unequal.
bool EqualInConstantTime(absl::string_view a, absl::string_view b);

}  // namespace herald::storage
