#pragma once

#include <atomic>

namespace herald::delivery {

// Where a test can have the process die, as by kill -9 at exactly that moment.
enum class Failpoint : int {
  kNone,
  kAfterClaim,         // leased; nothing else is known of the emails
  kAfterBeginCommit,   // the attempt is on record; nothing was handed over
  kAfterHandoverSent,  // a provider has the request, or will not get it any more
  kAfterResponse,      // the provider's answer is here and nowhere else
  kBeforeRecord,       // the outcome is about to be written
};

namespace internal {
// From HERALD_FAILPOINT: the names in snake case without the k, such as "after_claim". Unset or
// empty: none. Any other name ends the process, lest a test proves nothing.
extern const std::atomic<Failpoint> armed_failpoint;
[[noreturn]] void DieAtFailpoint();
}  // namespace internal

// For fault tests alone. Costs one relaxed load while no failpoint is armed.
inline void Pass(Failpoint point) {
  if (internal::armed_failpoint.load(std::memory_order_relaxed) == point) {
    internal::DieAtFailpoint();
  }
}

}  // namespace herald::delivery
