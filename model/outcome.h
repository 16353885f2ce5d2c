#pragma once

#include "absl/strings/string_view.h"

namespace herald {

// What became of one attempt to hand an email to a provider. It decides what may happen next, so
// a provider must never answer a stronger outcome than it knows. Stored: never reuse a number.
enum class Outcome : int {
  kAccepted = 1,      // the provider took responsibility
  kRetryable = 2,     // definitely not taken; may be tried again, here or elsewhere
  kUnconfirmed = 3,   // may have been taken: never retried blindly
  kRejected = 4,      // this message or recipient, for good; never failed over
  kProviderDown = 5,  // this account cannot send now (quota, suspended, bad key), not this email
};

// Lower-case name used in logs and metric labels.
absl::string_view OutcomeName(Outcome outcome);

}  // namespace herald
