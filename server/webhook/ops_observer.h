#pragma once

#include "server/ops/webhook_metrics.h"
#include "server/webhook/observer.h"

namespace herald::webhook {

// Writes what the sidecar does to the log and the metrics. Routine events are counted only.
class OpsObserver final : public WebhookObserver {
 public:
  // `metrics` must outlive the observer.
  explicit OpsObserver(ops::WebhookMetrics& metrics) : metrics_(metrics) {}

  void OnEvent(absl::string_view account, EventType type) override;
  void OnRefused(absl::string_view account, absl::string_view reason) override;
  void OnHttpRefused(int http_status) override;
  void OnUnreadable(absl::string_view account) override;
  void OnDeferred(absl::string_view account, const absl::Status& cause) override;
  void OnRequest(int http_status, absl::Duration duration) override;

 private:
  ops::WebhookMetrics& metrics_;
};

}  // namespace herald::webhook
