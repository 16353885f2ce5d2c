#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace herald {

// One provider account of a route.
struct RouteStep {
  std::string account;
  int order = 1;   // the lowest that can take an email takes it
  int cost = 0;    // among equal orders the cheapest; any unit, compared only with each other
  int weight = 1;  // among equal orders and costs: share of the emails, from 1
};

inline bool operator==(const RouteStep& a, const RouteStep& b) {
  return a.account == b.account && a.order == b.order && a.cost == b.cost && a.weight == b.weight;
}

using Route = std::vector<RouteStep>;

// Letters, digits, '.', '-' and '_', at most 64: a label of metrics and a word in records.
bool IsAccountName(absl::string_view text);
// Whether the numbers are within their bounds: order and cost from 0, weight from 1, to 10000.
bool IsRouteStep(const RouteStep& step);

}  // namespace herald
