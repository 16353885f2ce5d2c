#pragma once

#include <cstdint>

#include "model/email_state.h"
#include "model/lane.h"

namespace herald::storage {

// How many emails of a lane there ever were, and what has become of them by now. It balances:
// accepted = pending + sent + failed + dead + suppressed + cancelled + expired.
struct LaneLedger {
  Lane lane = Lane::kTransactional;
  int64_t accepted = 0;
  int64_t pending = 0;  // scheduled, queued, being sent, or unconfirmed
  int64_t sent = 0;     // a provider took responsibility, whatever came of it
  int64_t failed = 0;   // rejected for good
  int64_t dead = 0;     // waiting for an operator
  int64_t suppressed = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;
};

// Emails of a lane that came into an end state. SENT stands for what providers took.
struct FinishedEmails {
  Lane lane = Lane::kTransactional;
  EmailState state = EmailState::kSent;
  int64_t emails = 0;
};

}  // namespace herald::storage
