#pragma once

#include <array>

#include "absl/strings/string_view.h"

namespace herald {

// Where an email is in its life (the diagram in the README). The numbers are stored and sent on
// the wire: never reuse one.
//
// SENDING is not stored: an email is SENDING while it is QUEUED and has an attempt without an
// outcome, so that a crash cannot leave a wrong state behind.
enum class EmailState : int {
  kScheduled = 1,    // waits for its send_time
  kQueued = 2,       // due, or waiting for a retry
  kSending = 3,      // an attempt has begun and has no outcome yet
  kUnconfirmed = 4,  // an attempt may have been taken; waits for evidence or policy
  kSent = 5,         // a provider took responsibility
  kDelivered = 6,    // the recipient's server took it
  kBounced = 7,      // came back
  kComplained = 8,   // the recipient called it spam
  kFailed = 9,       // rejected for good, or outcome unknown and held
  kDead = 10,        // retries or age exhausted; an operator may redrive it
  kSuppressed = 11,  // the address was suppressed before any attempt began
  kCancelled = 12,   // cancelled before any attempt began
  kExpired = 13,     // expire_time passed before a provider took it
};

inline constexpr std::array<EmailState, 13> kAllEmailStates = {
    EmailState::kScheduled,   EmailState::kQueued,     EmailState::kSending,
    EmailState::kUnconfirmed, EmailState::kSent,       EmailState::kDelivered,
    EmailState::kBounced,     EmailState::kComplained, EmailState::kFailed,
    EmailState::kDead,        EmailState::kSuppressed, EmailState::kCancelled,
    EmailState::kExpired};

// Upper-case name, as in the proto.
absl::string_view EmailStateName(EmailState state);

// True when Herald does nothing more with the email by itself. SENT counts: only the provider's
// events move it on.
bool IsTerminal(EmailState state);

// The only moves there are. Events after SENT move up a fixed rank (SENT < DELIVERED < BOUNCED <
// COMPLAINED), so that late or repeated events never take a state back.
bool CanTransition(EmailState from, EmailState to);

}  // namespace herald
