#include "server/delivery/breaker.h"

#include <algorithm>

namespace herald::delivery {
namespace {

using storage::Breaker;
using storage::BreakerState;
using storage::CallCounts;

constexpr int kDoublingsMax = 20;

bool Bad(const CallCounts& counts, int volume, double error_rate) {
  return counts.calls >= volume &&
         static_cast<double>(counts.failures) >= error_rate * static_cast<double>(counts.calls);
}

Breaker Open(const BreakerPolicy& policy, int opens, const std::string& down_reason,
             absl::Time now) {
  const bool down = !down_reason.empty();
  const absl::Duration base = down ? policy.down_base : policy.open_base;
  const absl::Duration cap = down ? policy.down_cap : policy.open_cap;
  const int doublings = std::clamp(opens - 1, 0, kDoublingsMax);
  Breaker next;
  next.state = BreakerState::kOpen;
  next.reason = down ? down_reason : "error_rate";
  next.opens = opens;
  next.since = now;
  next.until = now + std::min(cap, base * (1 << doublings));
  return next;
}

Breaker Probe(const BreakerPolicy& policy, const Breaker& breaker, absl::string_view replica,
              absl::Time now) {
  Breaker next = breaker;
  next.state = BreakerState::kHalfOpen;
  next.since = now;
  next.until = now + policy.probe_lease;
  next.prober = std::string(replica);
  return next;
}

absl::optional<Breaker> NextOfHalfOpen(const BreakerPolicy& policy, const Breaker& breaker,
                                       const BreakerFacts& facts, absl::string_view replica,
                                       absl::Time now) {
  if (facts.window.failures > 0) return Open(policy, breaker.opens + 1, "", now);
  if (facts.window.calls >= policy.probes) {
    Breaker next;
    next.opens = breaker.opens;  // it may be back soon
    next.since = now;
    next.until = now;
    return next;
  }
  if (facts.wanted && now >= breaker.until) return Probe(policy, breaker, replica, now);
  return absl::nullopt;
}

}  // namespace

absl::optional<Breaker> NextBreaker(const BreakerPolicy& policy, const Breaker& breaker,
                                    const BreakerFacts& facts, absl::string_view replica,
                                    absl::Time now) {
  const bool calm = breaker.state == BreakerState::kClosed && now - breaker.since >= policy.calm;
  if (!facts.down_reason.empty() && breaker.state != BreakerState::kOpen) {
    return Open(policy, calm ? 1 : breaker.opens + 1, facts.down_reason, now);
  }
  switch (breaker.state) {
    case BreakerState::kClosed:
      if (Bad(facts.recent, policy.recent_volume, policy.error_rate) ||
          Bad(facts.window, policy.window_volume, policy.error_rate)) {
        return Open(policy, calm ? 1 : breaker.opens + 1, "", now);
      }
      return absl::nullopt;
    case BreakerState::kOpen:
      if (facts.wanted && now >= breaker.until) return Probe(policy, breaker, replica, now);
      return absl::nullopt;
    case BreakerState::kHalfOpen:
      return NextOfHalfOpen(policy, breaker, facts, replica, now);
  }
  return absl::nullopt;
}

}  // namespace herald::delivery
