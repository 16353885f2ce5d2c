#pragma once

#include <atomic>

#include "absl/strings/string_view.h"

namespace herald::delivery {

// Where a test can have the process die, as by kill -9 at exactly that moment.
enum class Failpoint : int {
  kNone,
  kAfterClaim,         // leased; nothing else is known of the emails
  kAfterBeginCommit,   // the attempt is on record; nothing was handed over
  kAfterHandoverSent,  // a provider has the request, or will not get it any more
  kAfterResponse,      // the provider's answer is here and nowhere else
  kBeforeRecord,       // the outcome is about to be written
  kPoison,             // an email from a certain template is about to be rendered
};

namespace internal {
// From HERALD_FAILPOINT: the names in snake case without the k, such as "after_claim", or
// "poison:TEMPLATE". Unset or empty: none. Any other name ends the process, lest a test proves
// nothing.
extern const std::atomic<Failpoint> armed_failpoint;
bool IsPoison(absl::string_view template_key);
[[noreturn]] void DieAtFailpoint();
}  // namespace internal

// For fault tests alone. Costs one relaxed load while no failpoint is armed.
inline void Pass(Failpoint point) {
  if (internal::armed_failpoint.load(std::memory_order_relaxed) == point) {
    internal::DieAtFailpoint();
  }
}

// As Pass, for what a renderer's bug would do with the emails of one template.
inline void PassPoison(absl::string_view template_key) {
  if (internal::armed_failpoint.load(std::memory_order_relaxed) == Failpoint::kPoison &&
      internal::IsPoison(template_key)) {
    internal::DieAtFailpoint();
  }
}

}  // namespace herald::delivery
