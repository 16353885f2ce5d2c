#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace herald::acceptance {

// Whether a caller may set this header, by name (any case): the allow-list of
// SendEmailRequest.headers. kInvalidArgument says why not, without the value.
absl::Status CheckHeader(absl::string_view name, absl::string_view value);

// Whether `text` may stand in a header that Herald writes (display name, subject): no control
// characters, so that it can never begin a header of its own.
bool HasControlCharacter(absl::string_view text);

}  // namespace herald::acceptance
