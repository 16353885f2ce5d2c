#pragma once

#include "absl/strings/string_view.h"

namespace herald::providers {

// What the sandbox plays for a recipient. By local part at sandbox.herald.test, "+label" allowed
// ("bounced+eu@sandbox.herald.test"); every other address is kDelivered.
enum class Simulation {
  kDelivered,    // delivered@
  kBounced,      // bounced@: taken, then a hard bounce
  kSoftBounced,  // softbounced@: taken, then a bounce that is not for good
  kComplained,   // complained@: delivered, then called spam
  kDelayed,      // delayed@: deferred, then delivered
  kSuppressed,   // suppressed@: taken, then dropped, since it is on the provider's list
  kRejected,     // rejected@: not taken, for good
  kRetry,        // retry@: not taken twice, then delivered
  kDown,         // down@: the account cannot send
  kUnconfirmed,  // unconfirmed@: taken and delivered, but the first answer gets lost
};

Simulation SimulationFor(absl::string_view address);

}  // namespace herald::providers
