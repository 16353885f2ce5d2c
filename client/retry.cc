#include "client/retry.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "client/error_details.h"

namespace herald::client {

absl::Duration Backoff::Next(const absl::Status& error) {
  constexpr int kStepMax = 30;  // keeps the power of two small; max_backoff is reached long before
  const absl::Duration ceiling =
      std::min(policy_.max_backoff, policy_.initial_backoff * (int64_t{1} << step_));
  step_ = std::min(step_ + 1, kStepMax);
  const absl::Duration asked =
      ExtractErrorDetails(error).retry_delay.value_or(absl::ZeroDuration());
  return asked + ceiling * timing_.random();
}

absl::Status RetryWhileUnavailable(
    const RetryPolicy& policy, const Timing& timing, absl::Duration deadline,
    const std::function<absl::Status(absl::Duration left)>& attempt) {
  const absl::Time end = timing.now() + deadline;
  Backoff backoff(policy, timing);
  absl::Status status = attempt(deadline);
  while (absl::IsUnavailable(status)) {
    const absl::Duration wait = backoff.Next(status);
    if (timing.now() + wait >= end) return status;
    timing.sleep(wait);
    const absl::Duration left = end - timing.now();
    if (left <= absl::ZeroDuration()) return status;
    status = attempt(left);
  }
  return status;
}

bool IsUsableDeadline(absl::Duration deadline) {
  return deadline > absl::ZeroDuration() && deadline < absl::InfiniteDuration();
}

Timing WithRealDefaults(Timing timing) {
  if (!timing.now) timing.now = absl::Now;
  if (!timing.sleep) timing.sleep = absl::SleepFor;
  if (!timing.random) {
    timing.random = [] {
      thread_local absl::BitGen generator;
      return absl::Uniform<double>(generator, 0.0, 1.0);
    };
  }
  return timing;
}

}  // namespace herald::client
