#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "storage/account_health_store.h"

namespace herald::delivery {

// When an account is taken out of the routes, and when it comes back.
struct BreakerPolicy {
  // It opens when this share of the calls failed, over either window, once that has its volume:
  // the short one is quick under load, the long one serves accounts with little traffic.
  double error_rate = 0.3;
  absl::Duration recent = absl::Seconds(2);
  int recent_volume = 20;
  absl::Duration window = absl::Seconds(10);
  int window_volume = 10;
  // A call that lasts longer has failed, whatever becomes of it.
  absl::Duration slow_call = absl::Seconds(3);
  // Open for base * 2^(n-1) at the n-th time in a row, at most cap; for errors, and when the
  // provider said that the account cannot send.
  absl::Duration open_base = absl::Seconds(5);
  absl::Duration open_cap = absl::Minutes(5);
  absl::Duration down_base = absl::Minutes(1);
  absl::Duration down_cap = absl::Minutes(30);
  // Having been closed for so long, the next opening is the first again.
  absl::Duration calm = absl::Minutes(2);
  // Emails handed over on probation; all of them must succeed. Who probes has this long.
  int probes = 3;
  absl::Duration probe_lease = absl::Seconds(10);
};

// What is known of the calls that began under the breaker's present revision.
struct BreakerFacts {
  storage::CallCounts recent;
  storage::CallCounts window;
  std::string down_reason;  // the provider said that the account cannot send
  bool wanted = false;      // an email would have gone there
};

// The breaker's next state as `replica` sees it; nullopt: it stays. Pure.
absl::optional<storage::Breaker> NextBreaker(const BreakerPolicy& policy,
                                             const storage::Breaker& breaker,
                                             const BreakerFacts& facts, absl::string_view replica,
                                             absl::Time now);

}  // namespace herald::delivery
