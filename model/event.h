#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace herald {

// Something that happened to an email: one line of its timeline. The numbers are stored and sent
// on the wire: never reuse one.
enum class EventType : int {
  // Herald's own.
  kAccepted = 1,     // durable; the caller was answered
  kScheduled = 2,    // send_time set or changed
  kSuppressed = 3,   // stopped: the address is suppressed
  kCancelled = 4,    // stopped by the caller
  kExpired = 5,      // stopped: too late
  kAttempted = 6,    // a hand-over began
  kSent = 7,         // a provider took responsibility
  kRetrying = 8,     // a hand-over failed; another will follow
  kUnconfirmed = 9,  // a hand-over may have been taken
  kFailed = 10,      // rejected for good
  kDead = 11,        // retries exhausted
  kRedriven = 12,    // an operator put it back
  kLimited = 13,     // a rate limit made it wait
  // Reported by the provider.
  kProviderAccepted = 20,
  kDelivered = 21,
  kDeferred = 22,  // the provider is still trying
  kBounced = 23,
  kComplained = 24,
  kOpened = 25,
  kClicked = 26,
  kRejected = 27,      // the provider dropped it
  kUnsubscribed = 28,  // through the provider's own link
  kUnknown = 29,       // verified, but of a type Herald does not know
};

// Upper-case name, as in the proto.
absl::string_view EventTypeName(EventType type);

// Whether a bounce shows that the address is no good: only kHard suppresses it at once. One that is
// final for other reasons, such as the sender's authentication or the content, is kSoft.
enum class BounceClass : int { kNone = 0, kHard = 1, kSoft = 2 };

}  // namespace herald
