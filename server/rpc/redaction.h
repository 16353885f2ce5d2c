#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::rpc {

// "anna@example.com" as "a***@example.com", which no method takes for an address. A pattern
// "@example.com" names no person and stays.
std::string RedactAddress(absl::string_view address);

}  // namespace herald::rpc
