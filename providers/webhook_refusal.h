#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace herald::providers {

// Why a webhook was refused. The names are values of a metric label, so there are few of them and
// none depends on what was sent.
enum class WebhookRefusal { kMissingHeader, kBadTimestamp, kStaleTimestamp, kBadSignature };

inline absl::string_view WebhookRefusalName(WebhookRefusal refusal) {
  switch (refusal) {
    case WebhookRefusal::kMissingHeader:
      return "missing_header";
    case WebhookRefusal::kBadTimestamp:
      return "bad_timestamp";
    case WebhookRefusal::kStaleTimestamp:
      return "stale_timestamp";
    case WebhookRefusal::kBadSignature:
      return "bad_signature";
  }
  return "unknown";
}

inline constexpr char kWebhookRefusalUrl[] = "herald/webhook-refusal";

// What a decoder returns for a webhook it refuses: kUnauthenticated, with the reason's name as
// payload. The message is the same for every reason, so that passing it on tells nothing.
inline absl::Status RefuseWebhook(WebhookRefusal refusal) {
  absl::Status status = absl::UnauthenticatedError("the webhook could not be verified");
  const absl::string_view name = WebhookRefusalName(refusal);
  status.SetPayload(kWebhookRefusalUrl, absl::Cord(name));
  return status;
}

// The reason's name in a status made by RefuseWebhook, "unknown" for any other status.
inline std::string WebhookRefusalReason(const absl::Status& status) {
  const auto payload = status.GetPayload(kWebhookRefusalUrl);
  return payload.has_value() ? std::string(*payload) : "unknown";
}

}  // namespace herald::providers
