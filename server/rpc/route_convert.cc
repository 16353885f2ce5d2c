#include "server/rpc/route_convert.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace herald::rpc {
namespace {

constexpr int kStepsMax = 20;

google::protobuf::Duration ToDuration(int64_t milliseconds) {
  google::protobuf::Duration duration;
  duration.set_seconds(milliseconds / 1000);
  duration.set_nanos(static_cast<int32_t>(milliseconds % 1000) * 1'000'000);
  return duration;
}

// The upper bound of the class that the 95th of 100 calls falls into. The last class has none: the
// average, which then is long, has to do.
int64_t LatencyP95(const storage::AccountReport& report) {
  const int64_t wanted = report.calls.calls - report.calls.calls / 20;
  int64_t seen = 0;
  for (size_t i = 0; i < storage::kLatencyClassMs.size(); ++i) {
    seen += report.by_latency[i];
    if (seen >= wanted) return storage::kLatencyClassMs[i];
  }
  return std::max<int64_t>(storage::kLatencyClassMs.back(), report.total_ms / report.calls.calls);
}

v1::ProviderAccount::State ToState(const storage::AccountHealth& health) {
  if (health.disabled) return v1::ProviderAccount::STATE_DISABLED;
  switch (health.breaker.state) {
    case storage::BreakerState::kClosed:
      return v1::ProviderAccount::STATE_CLOSED;
    case storage::BreakerState::kOpen:
      return v1::ProviderAccount::STATE_OPEN;
    case storage::BreakerState::kHalfOpen:
      return v1::ProviderAccount::STATE_HALF_OPEN;
  }
  return v1::ProviderAccount::STATE_UNSPECIFIED;
}

RouteStep ToStep(const v1::RouteStep& message, int index, RequestCheck& check) {
  const std::string field = absl::StrCat("route.steps[", index, "]");
  RouteStep step;
  step.account = message.account();
  step.order = message.has_order() ? message.order() : index + 1;
  step.cost = message.cost();
  step.weight = message.weight() == 0 ? 1 : message.weight();
  if (!IsAccountName(step.account)) {
    check.Add(absl::StrCat(field, ".account"), "is not the name of an account");
  }
  if (!IsRouteStep(step)) {
    check.Add(field, "order and cost are from 0, weight is from 1, to 10000");
  }
  return step;
}

}  // namespace

void ToProto(const storage::AccountReport& report, absl::Time now, v1::ProviderAccount& message) {
  const storage::AccountHealth& health = report.health;
  message.set_name(health.account);
  message.set_state(ToState(health));
  if (health.disabled) {
    message.set_reason(health.disable_reason);
    message.set_disabled_by(health.disabled_by);
  } else if (health.breaker.state != storage::BreakerState::kClosed) {
    message.set_reason(health.breaker.reason);
  }
  *message.mutable_state_time() =
      ToTimestamp(health.disabled && health.disable_time.has_value() ? *health.disable_time
                                                                     : health.breaker.since);
  if (message.state() == v1::ProviderAccount::STATE_OPEN) {
    *message.mutable_probe_time() = ToTimestamp(health.breaker.until);
  }
  if (health.pause_until > now) *message.mutable_pause_time() = ToTimestamp(health.pause_until);
  message.set_calls(report.calls.calls);
  message.set_failures(report.calls.failures);
  if (report.calls.calls == 0) return;
  message.set_error_rate(static_cast<double>(report.calls.failures) /
                         static_cast<double>(report.calls.calls));
  *message.mutable_latency_average() = ToDuration(report.total_ms / report.calls.calls);
  *message.mutable_latency_p95() = ToDuration(LatencyP95(report));
}

storage::TenantRoute ToTenantRoute(const v1::TenantRoute& message, RequestCheck& check) {
  storage::TenantRoute route;
  if (message.lane() < v1::LANE_CRITICAL || message.lane() > v1::LANE_BULK) {
    check.Add("route.lane", "is required");
  } else {
    route.lane = static_cast<Lane>(message.lane());
  }
  if (message.steps_size() > kStepsMax) {
    check.Add("route.steps", absl::StrCat("has more than ", kStepsMax, " items"));
    return route;
  }
  std::set<std::string> accounts;
  for (int i = 0; i < message.steps_size(); ++i) {
    route.steps.push_back(ToStep(message.steps(i), i, check));
    if (!accounts.insert(route.steps.back().account).second) {
      check.Add(absl::StrCat("route.steps[", i, "].account"), "is in the route already");
    }
  }
  switch (message.unconfirmed_policy()) {
    case v1::UNCONFIRMED_POLICY_UNSPECIFIED:
      break;
    case v1::UNCONFIRMED_POLICY_RESEND:
      route.resend_unconfirmed = true;
      break;
    case v1::UNCONFIRMED_POLICY_HOLD:
      route.resend_unconfirmed = false;
      break;
    default:
      check.Add("route.unconfirmed_policy", "is not a policy");
  }
  return route;
}

void ToProto(const storage::TenantRoute& route, v1::TenantRoute& message) {
  message.set_lane(static_cast<v1::Lane>(route.lane));
  for (const RouteStep& step : route.steps) {
    v1::RouteStep& added = *message.add_steps();
    added.set_account(step.account);
    added.set_order(step.order);
    added.set_cost(step.cost);
    added.set_weight(step.weight);
  }
  if (route.resend_unconfirmed.has_value()) {
    message.set_unconfirmed_policy(*route.resend_unconfirmed ? v1::UNCONFIRMED_POLICY_RESEND
                                                             : v1::UNCONFIRMED_POLICY_HOLD);
  }
}

}  // namespace herald::rpc
