#include "model/email_state.h"

namespace herald {

absl::string_view EmailStateName(EmailState state) {
  switch (state) {
    case EmailState::kScheduled:
      return "SCHEDULED";
    case EmailState::kQueued:
      return "QUEUED";
    case EmailState::kSending:
      return "SENDING";
    case EmailState::kUnconfirmed:
      return "UNCONFIRMED";
    case EmailState::kSent:
      return "SENT";
    case EmailState::kDelivered:
      return "DELIVERED";
    case EmailState::kBounced:
      return "BOUNCED";
    case EmailState::kComplained:
      return "COMPLAINED";
    case EmailState::kFailed:
      return "FAILED";
    case EmailState::kDead:
      return "DEAD";
    case EmailState::kSuppressed:
      return "SUPPRESSED";
    case EmailState::kCancelled:
      return "CANCELLED";
    case EmailState::kExpired:
      return "EXPIRED";
  }
  return "UNKNOWN";
}

bool IsTerminal(EmailState state) {
  switch (state) {
    case EmailState::kScheduled:
    case EmailState::kQueued:
    case EmailState::kSending:
    case EmailState::kUnconfirmed:
      return false;
    default:
      return true;
  }
}

bool CanTransition(EmailState from, EmailState to) {
  using S = EmailState;
  switch (from) {
    case S::kScheduled:
      return to == S::kQueued || to == S::kSuppressed || to == S::kCancelled || to == S::kExpired;
    case S::kQueued:
      return to == S::kScheduled || to == S::kSending || to == S::kSuppressed ||
             to == S::kCancelled || to == S::kExpired || to == S::kFailed || to == S::kDead;
    case S::kSending:
      return to == S::kQueued || to == S::kUnconfirmed || to == S::kSent || to == S::kFailed ||
             to == S::kDead || to == S::kExpired;
    case S::kUnconfirmed:
      // An event from the provider is evidence that it took the email.
      return to == S::kQueued || to == S::kSent || to == S::kDelivered || to == S::kBounced ||
             to == S::kComplained || to == S::kFailed || to == S::kExpired;
    case S::kSent:
      return to == S::kDelivered || to == S::kBounced || to == S::kComplained;
    case S::kDelivered:
      return to == S::kBounced || to == S::kComplained;
    case S::kBounced:
      return to == S::kComplained;
    case S::kDead:
      if (to == S::kQueued) return true;
      [[fallthrough]];
    case S::kFailed:
    case S::kExpired:
      // Evidence may arrive when an earlier hand-over was given up on.
      return to == S::kSent || to == S::kDelivered || to == S::kBounced || to == S::kComplained;
    case S::kComplained:
    case S::kSuppressed:
    case S::kCancelled:
      return false;
  }
  return false;
}

}  // namespace herald
