#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace herald {

// One addr-spec, split and checked. `local` is passed on unchanged when sending (RFC 5321 2.4);
// `domain` is the lower-case A-label without a trailing dot.
struct Address {
  std::string local;
  std::string domain;

  // What goes on the wire.
  std::string ToString() const { return local + "@" + domain; }
  // What equal mailboxes have in common, for look-ups: local part in lower case too; dots and
  // "+tag" stay, since dropping them is guessing at one provider's rules.
  std::string Normalised() const;
};

// Parses "local@domain". Internationalised domains are converted (UTS 46, IDNA 2008); a local part
// outside ASCII is refused, since no provider here takes one, and so is what Herald shows of a
// redacted address ("a***@example.com"). kInvalidArgument's message says what
// is wrong without repeating the address. Limits: RFC 5321 4.5.3.1 (64 and 254 octets).
absl::StatusOr<Address> ParseAddress(absl::string_view text);

// Converts a domain alone, by the same rules.
absl::StatusOr<std::string> ParseDomain(absl::string_view text);

}  // namespace herald
