#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace herald::heraldctl {

// Settings by name, e.g. HERALD_ADDR.
using Profile = std::map<std::string, std::string>;

// Where `heraldd --dev` leaves the profile of its demo tenant, below the folder it was started in.
inline constexpr char kDevProfilePath[] = ".herald/dev/heraldctl.env";

// Reads name=value lines (blank lines, "#" comments, a leading "export" and quotes are allowed) or
// one JSON object of strings. UsageError when it cannot be read or understood; the text of the
// error never repeats a value, as values are secrets.
absl::StatusOr<Profile> ReadProfile(const std::string& path);

}  // namespace herald::heraldctl
