#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/event.h"
#include "server/ops/metrics_registry.h"

namespace herald::ops {

// Why the sidecar refused a request. A closed list: what an attacker sends never becomes a label.
enum class WebhookRefusal {
  kSignature,       // forged, or signed with a retired secret
  kTimestamp,       // outside the replay window
  kTooLarge,        // body or header over the limit
  kTimeout,         // the request did not arrive in time
  kMalformed,       // not HTTP, or a header that must be there is missing
  kMethod,          // not a POST
  kUnknownAccount,  // the path names no account
  kOverloaded,      // too much in flight
  kUnavailable,     // verified, but it could not be made durable; the provider will repeat it
};

// The metrics of herald-webhook; tests/golden/metrics.txt lists their names and labels. `account`
// is always a configured name; requests that reach none are counted under "none". Safe for
// concurrent use.
class WebhookMetrics {
 public:
  explicit WebhookMetrics(absl::string_view version);
  ~WebhookMetrics();
  WebhookMetrics(const WebhookMetrics&) = delete;
  WebhookMetrics& operator=(const WebhookMetrics&) = delete;

  // A verified event was made durable.
  void Event(absl::string_view account, EventType type);
  void Refused(absl::string_view account, WebhookRefusal reason);
  // A verified request held nothing that could be read; it was acknowledged all the same.
  void Unreadable(absl::string_view account);
  // Time from the request's arrival to its answer.
  void RequestDone(absl::Duration took);

  MetricsRegistry& registry();

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace herald::ops
