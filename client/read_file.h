#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace herald::client {

// The bytes of a whole file. Otherwise the message names it and the system's reason; a directory is
// an error as well.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace herald::client
