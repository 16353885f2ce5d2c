#include "server/acceptance/overload.h"

#include "absl/time/time.h"
#include "server/status/status_details.h"

namespace herald::acceptance {

absl::Status TooManyCallsWait() {
  return WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                                  "too many calls wait; send slower or to another replica"),
                        absl::Milliseconds(500));
}

}  // namespace herald::acceptance
