#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "providers/webhook_decoder.h"

namespace herald::webhook {

// A decoded event and the provider account whose endpoint received it.
struct ReceivedEvent {
  std::string account;
  providers::DecodedEvent event;
};

// Where verified events become durable: heraldd, or a fake in tests. Thread-safe.
class DeliveryEventSink {
 public:
  using Done = std::function<void(absl::Status)>;

  // Returns after the last `done`.
  virtual ~DeliveryEventSink() = default;
  // Records 1–1000 events, all or none. `events` need not outlive the call. `done` runs exactly
  // once, on any thread, within a deadline of the sink's own. kInvalidArgument: the batch holds an
  // event that will never be taken; any other error: nothing was recorded as far as is known, and
  // the batch may be sent again.
  virtual void Record(absl::Span<const ReceivedEvent> events, Done done) = 0;
  // Whether Record would reach anyone now.
  virtual void CheckReady(Done done) = 0;
};

}  // namespace herald::webhook
