#include "providers/http/retry_after.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace herald::providers {

absl::optional<absl::Duration> ParseRetryAfter(absl::string_view value, absl::Time now) {
  value = absl::StripAsciiWhitespace(value);
  double seconds = 0;  // some senders give fractions
  if (!value.empty() && (absl::ascii_isdigit(static_cast<unsigned char>(value[0])))) {
    if (!absl::SimpleAtod(value, &seconds)) return absl::nullopt;
    return absl::Seconds(seconds);
  }
  absl::Time date;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", value, &date, nullptr)) return absl::nullopt;
  return std::max(date - now, absl::ZeroDuration());
}

}  // namespace herald::providers
