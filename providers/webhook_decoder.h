#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/event.h"
#include "model/ids.h"

namespace herald::providers {

// One HTTP request from a provider, as it came off the wire.
struct WebhookRequest {
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // raw bytes: signatures cover them

  // The first value of a header (name in lower case), or nullopt.
  absl::optional<absl::string_view> Header(absl::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return absl::string_view(value);
    }
    return absl::nullopt;
  }
};

// A provider's event in Herald's words.
struct DecodedEvent {
  std::string provider_event_id;  // equal over the provider's retries: the key for deduplication
  EventType type = EventType::kUnknown;
  BounceClass bounce_class = BounceClass::kNone;
  absl::Time event_time;
  // Our ids, when they came back in tags or metadata.
  absl::optional<TenantId> tenant_id;
  absl::optional<EmailId> email_id;
  std::string provider_message_id;
  std::string provider_type;  // the provider's name for the event ("email.bounced")
  std::string diagnostic;     // e.g. "550 5.1.1": short, without addresses
};

// Verifies and reads one provider's webhooks. Thread-safe, stateless; time and secrets are
// arguments, so that secrets can be re-read without a restart.
class WebhookDecoder {
 public:
  virtual ~WebhookDecoder() = default;

  // Checks the signature against each of `secrets` in constant time, then decodes. Errors:
  //   kUnauthenticated   no secret matches, a header is missing, or the timestamp is out of window:
  //                      refuse and count;
  //   kInvalidArgument   verified but unreadable: acknowledge and count, a retry would not help.
  // An event of an unknown type is returned as EventType::kUnknown.
  virtual absl::StatusOr<std::vector<DecodedEvent>> Decode(const WebhookRequest& request,
                                                           const std::vector<std::string>& secrets,
                                                           absl::Time now) const = 0;
};

}  // namespace herald::providers
