#include "server/webhook/ops_observer.h"

#include "server/ops/log.h"

namespace herald::webhook {
namespace {

using ops::LogField;
using ops::Severity;
using ops::WebhookRefusal;

// The label is coarser than the log line: an alert asks "forged?", an engineer asks "how?".
WebhookRefusal LabelOf(absl::string_view reason) {
  if (reason == "unknown_account") return WebhookRefusal::kUnknownAccount;
  if (reason == "method") return WebhookRefusal::kMethod;
  if (reason == "stale_timestamp") return WebhookRefusal::kTimestamp;
  if (reason == "missing_header" || reason == "bad_timestamp") return WebhookRefusal::kMalformed;
  return WebhookRefusal::kSignature;
}

WebhookRefusal LabelOf(int http_status) {
  if (http_status == 408) return WebhookRefusal::kTimeout;
  if (http_status == 413 || http_status == 431) return WebhookRefusal::kTooLarge;
  return WebhookRefusal::kMalformed;
}

}  // namespace

void OpsObserver::OnEvent(absl::string_view account, EventType type) {
  metrics_.Event(account, type);
}

void OpsObserver::OnRefused(absl::string_view account, absl::string_view reason) {
  metrics_.Refused(account, LabelOf(reason));
  ops::Log(Severity::kWarning, "webhook_refused", {{"account", account}, {"reason", reason}});
}

void OpsObserver::OnHttpRefused(int http_status) {
  metrics_.Refused("none", LabelOf(http_status));
  ops::Log(Severity::kWarning, "http_request_refused", {{"status", http_status}});
}

void OpsObserver::OnUnreadable(absl::string_view account) {
  metrics_.Unreadable(account);
  ops::Log(Severity::kWarning, "webhook_unreadable", {{"account", account}});
}

void OpsObserver::OnDeferred(absl::string_view account, const absl::Status& cause) {
  const bool overloaded = absl::IsResourceExhausted(cause);
  metrics_.Refused(account,
                   overloaded ? WebhookRefusal::kOverloaded : WebhookRefusal::kUnavailable);
  ops::Log(Severity::kWarning, "webhook_deferred",
           {{"account", account},
            {"code", absl::StatusCodeToString(cause.code())},
            {"cause", cause.message()}});
}

void OpsObserver::OnRequest(int /*http_status*/, absl::Duration duration) {
  metrics_.RequestDone(duration);
}

}  // namespace herald::webhook
