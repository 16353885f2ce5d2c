#include "server/ops/webhook_metrics.h"

#include "server/ops/metric_families.h"

namespace herald::ops {
namespace {

const char* RefusalName(WebhookRefusal reason) {
  switch (reason) {
    case WebhookRefusal::kSignature:
      return "signature";
    case WebhookRefusal::kTimestamp:
      return "timestamp";
    case WebhookRefusal::kTooLarge:
      return "too_large";
    case WebhookRefusal::kTimeout:
      return "timeout";
    case WebhookRefusal::kMalformed:
      return "malformed";
    case WebhookRefusal::kMethod:
      return "method";
    case WebhookRefusal::kUnknownAccount:
      return "unknown_account";
    case WebhookRefusal::kOverloaded:
      return "overloaded";
    case WebhookRefusal::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

}  // namespace

struct WebhookMetrics::Families {
  explicit Families(absl::string_view version) : base(version) {}

  MetricsRegistry base;
  prometheus::Registry& registry = base.registry();

  CounterFamily& events =
      Counters(registry, "herald_webhook_events_total", "Verified events made durable, by type");
  CounterFamily& refused =
      Counters(registry, "herald_webhook_refused_total", "Requests refused, by reason");
  CounterFamily& unreadable = Counters(registry, "herald_webhook_unreadable_total",
                                       "Verified requests that could not be read");
  prometheus::Histogram& seconds = Histograms(registry, "herald_webhook_duration_seconds",
                                              "Time from a request's arrival to its answer")
                                       .Add({}, kRequestSeconds);
};

WebhookMetrics::WebhookMetrics(absl::string_view version)
    : families_(std::make_unique<Families>(version)) {}

WebhookMetrics::~WebhookMetrics() = default;

void WebhookMetrics::Event(absl::string_view account, EventType type) {
  families_->events
      .Add({{"account", std::string(account)}, {"type", LowerCase(EventTypeName(type))}})
      .Increment();
}

void WebhookMetrics::Refused(absl::string_view account, WebhookRefusal reason) {
  families_->refused.Add({{"account", std::string(account)}, {"reason", RefusalName(reason)}})
      .Increment();
}

void WebhookMetrics::Unreadable(absl::string_view account) {
  families_->unreadable.Add({{"account", std::string(account)}}).Increment();
}

void WebhookMetrics::RequestDone(absl::Duration took) {
  families_->seconds.Observe(absl::ToDoubleSeconds(took));
}

MetricsRegistry& WebhookMetrics::registry() { return families_->base; }

}  // namespace herald::ops
