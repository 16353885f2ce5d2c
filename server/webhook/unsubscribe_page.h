#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "server/webhook/http_server.h"
#include "server/webhook/unsubscribe_gateway.h"

namespace herald::webhook {

// The pages that recipients see: HTML that works without scripts, names no address, is kept and
// indexed by nobody, and can load or post nothing elsewhere.

// The categories with what the recipient gets, in a form that posts to its own address.
// `saved`: this answers a change.
HttpResponse ChoicesPage(const UnsubscribeView& view, bool saved);

// One message and no form.
HttpResponse MessagePage(int status, absl::string_view title, absl::string_view text);

// The value of the policy's style-src for the pages' style sheet; checked by a test.
extern const char kStyleHash[];

}  // namespace herald::webhook
