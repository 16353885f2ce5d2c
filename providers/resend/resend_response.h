#pragma once

#include "absl/time/time.h"
#include "providers/http/http_client.h"
#include "providers/provider.h"

namespace herald::providers {

// What an answer to POST /emails means. The error's name decides before the status, since one
// status stands for conditions as different as a rate limit and a used-up quota. `now` turns a
// Retry-After date into a duration. Nothing of the answer's free text is passed on: it may quote
// an address.
SendResult ClassifyResendResponse(const HttpResponse& response, absl::Time now);

}  // namespace herald::providers
