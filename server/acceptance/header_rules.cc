#include "server/acceptance/header_rules.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/config/limits.h"

namespace herald::acceptance {
namespace {

constexpr std::array<absl::string_view, 8> kAllowed = {
    "list-id",    "list-unsubscribe", "list-unsubscribe-post", "in-reply-to",
    "references", "precedence",       "auto-submitted",        "importance"};

constexpr size_t kHeaderNameBytesMax = 126;  // SES's limit, the least of the providers

bool IsToken(absl::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

}  // namespace

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

absl::Status CheckHeader(absl::string_view name, absl::string_view value) {
  const std::string lower = absl::AsciiStrToLower(name);
  if (name.empty() || name.size() > kHeaderNameBytesMax || !IsToken(name)) {
    return absl::InvalidArgumentError("the name is not a header name");
  }
  if (absl::StartsWith(lower, "x-herald-")) {
    return absl::InvalidArgumentError("names that begin with X-Herald- are Herald's own");
  }
  const bool allowed = absl::StartsWith(lower, "x-") ||
                       std::find(kAllowed.begin(), kAllowed.end(), lower) != kAllowed.end();
  if (!allowed) return absl::InvalidArgumentError("this header may not be set by callers");
  if (value.size() > limits::kHeaderValueBytesMax) {
    return absl::InvalidArgumentError("the value is longer than 995 bytes");
  }
  for (char c : value) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError("the value has a character that is not printable ASCII");
    }
  }
  return absl::OkStatus();
}

}  // namespace herald::acceptance
