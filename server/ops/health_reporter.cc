#include "server/ops/health_reporter.h"

#include "server/ops/log.h"

namespace herald::ops {
namespace {

using storage::BreakerState;

const char* StateName(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kHalfOpen:
      return "half_open";
    case BreakerState::kOpen:
      return "open";
  }
  return "unknown";
}

}  // namespace

void HealthReporter::OnBreaker(const storage::AccountHealth& health, bool shared) {
  const storage::Breaker& breaker = health.breaker;
  const bool open = breaker.state == BreakerState::kOpen;
  Log(open ? Severity::kError : Severity::kInfo, "account_breaker",
      {{"account", health.account},
       {"state", StateName(breaker.state)},
       {"reason", breaker.reason},
       {"count", breaker.opens},
       {"failed", health.recent.failures},
       {"retry_in_ms", open ? absl::ToDoubleMilliseconds(breaker.until - breaker.since) : 0.0},
       {"scope", shared ? "all" : "replica"}});
}

void HealthReporter::OnFollowed(const storage::AccountHealth& health) {
  Log(Severity::kInfo, "account_followed",
      {{"account", health.account},
       {"state", health.disabled ? "disabled" : StateName(health.breaker.state)},
       {"reason", health.disabled ? health.disable_reason : health.breaker.reason}});
}

void HealthReporter::OnHealth(const storage::AccountHealth& health) {
  metrics_->AccountState(health.account, health.disabled                                   ? 3
                                         : health.breaker.state == BreakerState::kOpen     ? 2
                                         : health.breaker.state == BreakerState::kHalfOpen ? 1
                                                                                           : 0);
}

void HealthReporter::OnDown(absl::string_view account, absl::string_view reason) {
  Log(Severity::kError, "account_down", {{"account", account}, {"reason", reason}});
}

}  // namespace herald::ops
