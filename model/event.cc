#include "model/event.h"

namespace herald {

absl::string_view EventTypeName(EventType type) {
  switch (type) {
    case EventType::kAccepted:
      return "ACCEPTED";
    case EventType::kScheduled:
      return "SCHEDULED";
    case EventType::kSuppressed:
      return "SUPPRESSED";
    case EventType::kCancelled:
      return "CANCELLED";
    case EventType::kExpired:
      return "EXPIRED";
    case EventType::kAttempted:
      return "ATTEMPTED";
    case EventType::kSent:
      return "SENT";
    case EventType::kRetrying:
      return "RETRYING";
    case EventType::kUnconfirmed:
      return "UNCONFIRMED";
    case EventType::kFailed:
      return "FAILED";
    case EventType::kDead:
      return "DEAD";
    case EventType::kRedriven:
      return "REDRIVEN";
    case EventType::kLimited:
      return "LIMITED";
    case EventType::kProviderAccepted:
      return "PROVIDER_ACCEPTED";
    case EventType::kDelivered:
      return "DELIVERED";
    case EventType::kDeferred:
      return "DEFERRED";
    case EventType::kBounced:
      return "BOUNCED";
    case EventType::kComplained:
      return "COMPLAINED";
    case EventType::kOpened:
      return "OPENED";
    case EventType::kClicked:
      return "CLICKED";
    case EventType::kRejected:
      return "REJECTED";
    case EventType::kUnsubscribed:
      return "UNSUBSCRIBED";
    case EventType::kUnknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

}  // namespace herald
