#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/templates/template_source.h"

namespace herald::catalog {

// How the variables of a version are stored: a JSON array of objects {name, type, required,
// description}, types in lower case. What was written stays readable in every later release.
std::string EncodeVariables(const std::vector<templates::Variable>& variables);
// kDataLoss: not such an array.
absl::StatusOr<std::vector<templates::Variable>> DecodeVariables(absl::string_view json);

}  // namespace herald::catalog
