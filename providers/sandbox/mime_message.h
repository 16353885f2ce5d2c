#pragma once

#include <string>

#include "absl/time/time.h"
#include "providers/provider.h"

namespace herald::providers {

// The message as RFC 5322 text with CRLF. Equal arguments give equal bytes: Message-ID and
// boundaries derive from the email's id, the date is an argument.
std::string BuildMimeMessage(const OutboundMessage& message, absl::Time date);

}  // namespace herald::providers
