#pragma once

#include <functional>

#include "absl/time/time.h"
#include "providers/provider.h"
#include "server/delivery/lane_policy.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// A uniform number in [0, 1).
using Random = std::function<double()>;

// The wait before the next hand-over after `attempts` of them: full jitter.
absl::Duration Backoff(const LanePolicy& policy, int attempts, const Random& random);

// What is known of a hand-over beside its verdict.
struct AttemptFacts {
  int counted = 1;  // hand-overs since the last redrive that use up the budget, this one included
  int free = 0;     // those before it that do not
  absl::Duration idempotency_window;  // of the account; zero when it has none
  bool elsewhere = false;             // another account would take the email at once
};

// Whether a verdict on an email that was not taken uses up nothing of its budget.
bool IsFree(const providers::SendResult& result);

// What follows from a provider's verdict. Pure. An account that sends too fast (429) or cannot send
// at all uses up nothing of the email's budget.
storage::Disposition Decide(const LanePolicy& policy, const providers::SendResult& result,
                            const AttemptFacts& facts, const Random& random);

// What follows when the hand-over repeated an unconfirmed one under its key. A repetition that was
// not taken says nothing about the first: the email stays UNCONFIRMED, and is never DEAD, which an
// operator could redrive unawares.
storage::Disposition AfterRepeat(storage::Disposition disposition);

// What to do with an email that was claimed while a hand-over of it is unconfirmed.
enum class UnconfirmedStep {
  kRepeat,  // to the same account, under the same key, byte for byte: the provider delivers once
  kWait,    // evidence may still come
  kResend,  // policy: hand it over anew, knowing that it may be the second time
  kGiveUp,  // policy: FAILED, outcome unknown
};

struct UnconfirmedFacts {
  absl::Duration age;                 // since the first unconfirmed hand-over began
  absl::Duration idempotency_window;  // of its account; zero when it has none or is not configured
  bool same_request = false;          // the bytes would be the same again
  bool account_down = false;          // the account takes nothing now
};

UnconfirmedStep NextUnconfirmedStep(const LanePolicy& policy, const UnconfirmedFacts& facts);

}  // namespace herald::delivery
