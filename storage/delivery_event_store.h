#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/event.h"
#include "model/ids.h"

namespace herald::storage {

// A provider's verified event.
struct ProviderEvent {
  std::string account;
  std::string provider_event_id;
  EventType type = EventType::kUnknown;
  BounceClass bounce_class = BounceClass::kNone;
  absl::Time event_time;
  absl::optional<TenantId> tenant;  // from the tags; both or none
  absl::optional<EmailId> email;
  std::string provider_message_id;
  std::string provider_type;
  std::string diagnostic;
};

struct RecordedEvents {
  int recorded = 0;
  int duplicates = 0;
  int unmatched = 0;
};

// When mail that keeps coming back for the moment counts as undeliverable: after bounces on so many
// days, no two of them further apart than the window and no delivery between them. Providers and
// their guides put it at three to five bounces over days; one bad night is not enough.
struct SoftBounceLimit {
  int days = 4;
  int window_days = 14;
};

// Thread-safe, blocking.
class DeliveryEventStore {
 public:
  virtual ~DeliveryEventStore() = default;
  // Makes the events durable in one transaction: keeps each once, by its account and its id there,
  // moves the emails' states up their rank, takes what it is evidence for out of the queue, and
  // suppresses addresses after a hard bounce, a complaint, or soft bounces over their limit.
  // kUnavailable: nothing is known to be recorded; repeat.
  virtual absl::StatusOr<RecordedEvents> RecordEvents(absl::Span<const ProviderEvent> events) = 0;
};

}  // namespace herald::storage
