#pragma once

#include "absl/strings/string_view.h"

namespace herald::providers {

// Whether a server's final refusal, in its own words, shows that the recipient's address is no
// good. The first enhanced status code in it (RFC 3463, 5248, 7505) decides; false for
//   4.x.x                 what was tried for too long, and not refused for good
//   x.1.0, x.1.4, x.1.5   an address problem that is not named, or may pass
//   x.1.7, x.1.8, x.1.9   the sender's address, a relay
//   x.2.x                 a mailbox that is full, disabled, or too small for the message
//   x.3.x, x.4.x, x.5.x   the receiving system, the network, the protocol
//   x.6.x, x.7.x          the content; policy and authentication (5.7.26: no valid SPF or DKIM)
// True for any other code, and where there is none.
bool BlamesAddress(absl::string_view diagnostic);

}  // namespace herald::providers
