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

absl::Duration Wait(const LanePolicy& policy, const providers::SendResult& result, int attempts,
                    const Random& random) {
  const absl::Duration delay = Backoff(policy, attempts, random);
  if (!result.retry_after.has_value()) return delay;
  return std::max(delay,
                  std::clamp(*result.retry_after, absl::ZeroDuration(), policy.retry_after_max));
}

storage::Disposition Retry(const LanePolicy& policy, const providers::SendResult& result,
                           const AttemptFacts& facts, const Random& random) {
  const bool free = IsFree(result);
  if (!free && facts.counted >= policy.attempts_max) {
    return {Kind::kDead, {}, "retries_exhausted"};
  }
  storage::Disposition retry{Kind::kRetry, absl::ZeroDuration(), ReasonOf(result, "retryable")};
  retry.free = free;
  if (!facts.elsewhere) {
    retry.delay = Wait(policy, result, free ? facts.free + 1 : facts.counted, random);
  }
  return retry;
}

}  // namespace

absl::Duration Backoff(const LanePolicy& policy, int attempts, const Random& random) {
  const int doublings = std::clamp(attempts - 1, 0, kDoublingsMax);
  const absl::Duration ceiling =
      std::min(policy.backoff_cap, policy.backoff_base * static_cast<double>(1LL << doublings));
  return ceiling * random();
}

bool IsFree(const providers::SendResult& result) {
  return result.throttled || result.outcome == Outcome::kProviderDown;
}

storage::Disposition Decide(const LanePolicy& policy, const providers::SendResult& result,
                            const AttemptFacts& facts, const Random& random) {
  switch (result.outcome) {
    case Outcome::kAccepted:
      return {Kind::kSent, {}, ""};
    case Outcome::kRejected:
      return {Kind::kFailed, {}, ReasonOf(result, "rejected")};
    case Outcome::kRetryable:
    case Outcome::kProviderDown:
      return Retry(policy, result, facts, random);
    case Outcome::kUnconfirmed:
      // With idempotency the question is asked again soon; without, evidence is waited for.
      return {Kind::kUnconfirmed,
              facts.idempotency_window > absl::ZeroDuration()
                  ? Backoff(policy, facts.counted, random)
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
  const bool resend = policy.unconfirmed == UnconfirmedPolicy::kResend;
  const bool patient = facts.age < policy.evidence_wait;
  if (facts.same_request && facts.age + kWindowMargin < facts.idempotency_window) {
    if (!facts.account_down) return UnconfirmedStep::kRepeat;
    // The question can be asked once the account is back: no reason to give the email up.
    return resend && !patient ? UnconfirmedStep::kResend : UnconfirmedStep::kWait;
  }
  if (patient) return UnconfirmedStep::kWait;
  return resend ? UnconfirmedStep::kResend : UnconfirmedStep::kGiveUp;
}

}  // namespace herald::delivery
