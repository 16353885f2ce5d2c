#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "providers/provider.h"
#include "providers/sandbox/simulated_recipient.h"

namespace herald::providers {

// One webhook to come.
struct SimulatedEvent {
  std::string id;    // svix-id: equal whenever the same email meets the same fate
  std::string body;  // JSON in the shape of Resend's webhooks
  absl::Duration after;
};

// What becomes of a message that was taken at `taken`, one event every `interval`.
std::vector<SimulatedEvent> SimulateEvents(Simulation simulation, const OutboundMessage& message,
                                           const std::string& provider_message_id, absl::Time taken,
                                           absl::Duration interval);

}  // namespace herald::providers
