#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client_options.h"

namespace herald::client {

// The waits between the tries of one call or stream. Not safe for concurrent use.
class Backoff {
 public:
  Backoff(const RetryPolicy& policy, const Timing& timing) : policy_(policy), timing_(timing) {}

  // How long to wait after `error`: the server's RetryInfo, plus a random part of the current
  // step (full jitter), so that callers who were told the same delay do not return together.
  absl::Duration Next(const absl::Status& error);
  // Starts over: something worked in between.
  void Reset() { step_ = 0; }

 private:
  const RetryPolicy& policy_;
  const Timing& timing_;
  int step_ = 0;
};

// Runs `attempt` until it returns anything but kUnavailable, or until the next try could not begin
// within `deadline`; then returns the last answer. `attempt` gets the time it has left.
absl::Status RetryWhileUnavailable(const RetryPolicy& policy, const Timing& timing,
                                   absl::Duration deadline,
                                   const std::function<absl::Status(absl::Duration left)>& attempt);

// Every call ends: whether `deadline` is positive and finite.
bool IsUsableDeadline(absl::Duration deadline);

// Fills empty functions with the real clock, sleep and random numbers.
Timing WithRealDefaults(Timing timing);

}  // namespace herald::client
