#include "providers/sandbox/simulated_events.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace herald::providers {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> Fate(Simulation simulation) {
  switch (simulation) {
    case Simulation::kBounced:
    case Simulation::kSoftBounced:
      return {"email.sent", "email.bounced"};
    case Simulation::kComplained:
      return {"email.sent", "email.delivered", "email.complained"};
    case Simulation::kDelayed:
      return {"email.sent", "email.delivery_delayed", "email.delivered"};
    case Simulation::kSuppressed:
      return {"email.suppressed"};
    case Simulation::kDelivered:
    case Simulation::kRetry:
    case Simulation::kUnconfirmed:
      return {"email.sent", "email.delivered"};
    case Simulation::kRejected:
    case Simulation::kDown:
      break;
  }
  return {};
}

void AddReason(const std::string& type, Simulation simulation, Json& data) {
  if (type == "email.bounced" && simulation == Simulation::kSoftBounced) {
    data["bounce"] = {{"type", "Transient"},
                      {"subType", "MailboxFull"},
                      {"message", "452 4.2.2 mailbox full"},
                      {"diagnosticCode", {"smtp; 452 4.2.2 mailbox full"}}};
  } else if (type == "email.bounced") {
    data["bounce"] = {{"type", "Permanent"},
                      {"subType", "General"},
                      {"message", "550 5.1.1 mailbox does not exist"},
                      {"diagnosticCode", {"smtp; 550 5.1.1 mailbox does not exist"}}};
  } else if (type == "email.suppressed") {
    data["suppressed"] = {{"type", "OnAccountSuppressionList"},
                          {"reason", "previous_bounce"},
                          {"message", "recipient is on the suppression list"}};
  }
}

std::string Format(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace

std::vector<SimulatedEvent> SimulateEvents(Simulation simulation, const OutboundMessage& message,
                                           const std::string& provider_message_id, absl::Time taken,
                                           absl::Duration interval) {
  std::vector<SimulatedEvent> events;
  for (const std::string& type : Fate(simulation)) {
    const absl::Duration after = interval * static_cast<int64_t>(events.size());
    Json body = {
        {"type", type},
        {"created_at", Format(taken + after)},
        {"data",
         {{"email_id", provider_message_id},
          {"created_at", Format(taken)},
          {"from", message.from.address},
          {"to", Json::array({message.to.address})},
          {"subject", message.subject},
          {"tags",
           {{"herald_email_id", message.email_id}, {"herald_tenant_id", message.tenant_id}}}}}};
    AddReason(type, simulation, body["data"]);
    // No dot may be in an id.
    events.push_back({absl::StrCat("msg_", provider_message_id, "_",
                                   absl::StrReplaceAll(type, {{"email.", ""}})),
                      body.dump(-1, ' ', false, Json::error_handler_t::replace), after});
  }
  return events;
}

}  // namespace herald::providers
