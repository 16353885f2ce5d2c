#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/event.h"

namespace herald::webhook {

// Told what the sidecar does, for logs and metrics. Thread-safe; must not block. `account` is
// always a configured name, never what a client sent.
class WebhookObserver {
 public:
  virtual ~WebhookObserver() = default;
  // An event that heraldd has made durable.
  virtual void OnEvent(absl::string_view account, EventType type) = 0;
  // A request that was turned away for good. `reason` is a name of providers::WebhookRefusal, or
  // "unknown_account" or "method"; `account` is "none" where the path names none.
  virtual void OnRefused(absl::string_view account, absl::string_view reason) = 0;
  // The same below HTTP's request: see HttpServer::Options::on_refused.
  virtual void OnHttpRefused(int http_status) = 0;
  // A verified webhook that cannot be read, or that heraldd refuses for what it says. It was
  // acknowledged, because sending it again would not help.
  virtual void OnUnreadable(absl::string_view account) = 0;
  // A webhook that could not be taken now and that the provider will send again.
  virtual void OnDeferred(absl::string_view account, const absl::Status& cause) = 0;
  // A request under /v1/webhooks/ was answered.
  virtual void OnRequest(int http_status, absl::Duration duration) = 0;
};

}  // namespace herald::webhook
