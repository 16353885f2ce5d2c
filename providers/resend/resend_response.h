#pragma once

#include <vector>

#include "absl/time/time.h"
#include "providers/http/http_client.h"
#include "providers/provider.h"

namespace herald::providers {

// What an answer to POST /emails means. The error's name decides before the status, since one
// status stands for conditions as different as a rate limit and a used-up quota. `now` turns a
// Retry-After date into a duration. Nothing of the answer's free text is passed on: it may quote
// an address.
SendResult ClassifyResendResponse(const HttpResponse& response, absl::Time now);

// The same of an answer to POST /emails/batch with so many messages, in permissive mode
// (x-batch-validation, of the official SDK): `data` holds the ids of those that were taken, in
// their order, and `errors` the indices of the others. A server that does not know the mode refuses
// all for one. An answer whose numbers do not add up leaves all of them unconfirmed.
std::vector<SendResult> ClassifyResendBatchResponse(const HttpResponse& response, size_t messages,
                                                    absl::Time now);

}  // namespace herald::providers
