#include "model/outcome.h"

namespace herald {

absl::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAccepted:
      return "accepted";
    case Outcome::kRetryable:
      return "retryable";
    case Outcome::kUnconfirmed:
      return "unconfirmed";
    case Outcome::kRejected:
      return "rejected";
    case Outcome::kProviderDown:
      return "provider_down";
  }
  return "unknown";
}

}  // namespace herald
