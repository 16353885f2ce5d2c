#include "providers/sandbox/simulated_recipient.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace herald::providers {
namespace {

struct Recipient {
  absl::string_view local;
  Simulation simulation;
};

constexpr Recipient kRecipients[] = {
    {"bounced", Simulation::kBounced},
    {"softbounced", Simulation::kSoftBounced},
    {"complained", Simulation::kComplained},
    {"delayed", Simulation::kDelayed},
    {"suppressed", Simulation::kSuppressed},
    {"rejected", Simulation::kRejected},
    {"retry", Simulation::kRetry},
    {"down", Simulation::kDown},
    {"unconfirmed", Simulation::kUnconfirmed},
};

}  // namespace

Simulation SimulationFor(absl::string_view address) {
  const size_t at = address.rfind('@');
  if (at == absl::string_view::npos ||
      !absl::EqualsIgnoreCase(address.substr(at + 1), "sandbox.herald.test")) {
    return Simulation::kDelivered;
  }
  const absl::string_view local = address.substr(0, at);
  const absl::string_view name = local.substr(0, local.find('+'));
  for (const Recipient& recipient : kRecipients) {
    if (absl::EqualsIgnoreCase(name, recipient.local)) return recipient.simulation;
  }
  return Simulation::kDelivered;
}

}  // namespace herald::providers
