#include "server/delivery/retry_policy.h"

#include <algorithm>

namespace herald::delivery {
namespace {

using Kind = storage::Disposition::Kind;

// A repetition must reach the provider well before it forgets the key.
constexpr absl::Duration kWindowMargin = absl::Minutes(10);
// Doubling beyond this is past every cap.
constexpr int kDoublingsMax = 30;

std::string ReasonOf(const providers::SendResult& result, absl::string_view fallback) {
  return result.error_code.empty() ? std::string(fallback) : result.error_code;
}

storage::Disposition Retry(const LanePolicy& policy, const providers::SendResult& result,
                           int attempt, const Random& random) {
  if (attempt >= policy.attempts_max) return {Kind::kDead, {}, "retries_exhausted"};
  absl::Duration delay = Backoff(policy, attempt, random);
  if (result.retry_after.has_value()) {
    delay = std::max(delay,
                     std::clamp(*result.retry_after, absl::ZeroDuration(), policy.retry_after_max));
  }
  return {Kind::kRetry, delay, ReasonOf(result, "retryable")};
}

}  // namespace

absl::Duration Backoff(const LanePolicy& policy, int attempts, const Random& random) {
  const int doublings = std::clamp(attempts - 1, 0, kDoublingsMax);
  const absl::Duration ceiling =
      std::min(policy.backoff_cap, policy.backoff_base * static_cast<double>(1LL << doublings));
  return ceiling * random();
}

storage::Disposition Decide(const LanePolicy& policy, const providers::SendResult& result,
                            int attempt, absl::Duration idempotency_window, const Random& random) {
  switch (result.outcome) {
    case Outcome::kAccepted:
      return {Kind::kSent, {}, ""};
    case Outcome::kRejected:
      return {Kind::kFailed, {}, ReasonOf(result, "rejected")};
    case Outcome::kRetryable:
    case Outcome::kProviderDown:
      return Retry(policy, result, attempt, random);
    case Outcome::kUnconfirmed:
      // With idempotency the question is asked again soon; without, evidence is waited for.
      return {Kind::kUnconfirmed,
              idempotency_window > absl::ZeroDuration() ? Backoff(policy, attempt, random)
                                                        : policy.evidence_wait,
              ReasonOf(result, "unconfirmed")};
  }
  return {Kind::kUnconfirmed, policy.evidence_wait, "unconfirmed"};
}

storage::Disposition AfterRepeat(storage::Disposition disposition) {
  if (disposition.kind == Kind::kRetry) disposition.kind = Kind::kUnconfirmed;
  if (disposition.kind == Kind::kDead) return {Kind::kFailed, {}, "outcome_unknown"};
  return disposition;
}

UnconfirmedStep NextUnconfirmedStep(const LanePolicy& policy, const UnconfirmedFacts& facts) {
  if (facts.same_request && facts.age + kWindowMargin < facts.idempotency_window) {
    return UnconfirmedStep::kRepeat;
  }
  if (facts.age < policy.evidence_wait) return UnconfirmedStep::kWait;
  return policy.unconfirmed == UnconfirmedPolicy::kResend ? UnconfirmedStep::kResend
                                                          : UnconfirmedStep::kGiveUp;
}

}  // namespace herald::delivery
