#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace herald::webhook {

// Fields of a form in their order; a name may come more than once.
using Form = std::vector<std::pair<std::string, std::string>>;

// The body of a POST as a form, in either of the encodings that RFC 8058 names:
// application/x-www-form-urlencoded (also assumed when `content_type` is empty) and
// multipart/form-data. nullopt: another type, not well formed, or over 100 fields. Files of a
// multipart form are fields like others.
absl::optional<Form> ParseForm(absl::string_view content_type, absl::string_view body);

// The first value of a field, or nullopt.
absl::optional<std::string> FieldOf(const Form& form, absl::string_view name);

}  // namespace herald::webhook
