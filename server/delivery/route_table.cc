#include "server/delivery/route_table.h"

#include <algorithm>
#include <tuple>

namespace herald::delivery {
namespace {

RouteTable::RoutePtr Sorted(Route route) {
  std::stable_sort(route.begin(), route.end(), [](const RouteStep& a, const RouteStep& b) {
    return std::tie(a.order, a.cost) < std::tie(b.order, b.cost);
  });
  return std::make_shared<const Route>(std::move(route));
}

}  // namespace

RouteTable::RouteTable(const std::map<Lane, Route>& lanes, storage::TenantRouteStore* store)
    : store_(store) {
  for (Lane lane : kAllLanes) {
    const auto route = lanes.find(lane);
    lanes_[lane] = Sorted(route == lanes.end() ? Route() : route->second);
  }
}

const RouteTable::Entry* RouteTable::FindEntry(TenantId tenant, Lane lane) const {
  const auto found = tenants_.find({tenant, lane});
  return found == tenants_.end() ? nullptr : &found->second;
}

RouteTable::RoutePtr RouteTable::Find(TenantId tenant, Lane lane) const {
  absl::MutexLock lock(&mutex_);
  const Entry* entry = FindEntry(tenant, lane);
  return entry != nullptr && entry->route != nullptr ? entry->route : lanes_.at(lane);
}

absl::optional<UnconfirmedPolicy> RouteTable::Unconfirmed(TenantId tenant, Lane lane) const {
  absl::MutexLock lock(&mutex_);
  const Entry* entry = FindEntry(tenant, lane);
  return entry == nullptr ? absl::nullopt : entry->unconfirmed;
}

absl::StatusOr<bool> RouteTable::Refresh() {
  if (store_ == nullptr) return false;
  // Before the rows: a change in between is then read again rather than missed.
  const absl::StatusOr<int64_t> version = store_->Version();
  if (!version.ok()) return version.status();
  {
    absl::MutexLock lock(&mutex_);
    if (*version == version_) return false;
  }
  const absl::StatusOr<std::vector<storage::TenantRoute>> routes = store_->ListAll();
  if (!routes.ok()) return routes.status();
  Entries entries;
  for (const storage::TenantRoute& route : *routes) {
    Entry& entry = entries[{route.tenant, route.lane}];
    if (!route.steps.empty()) entry.route = Sorted(route.steps);
    if (route.resend_unconfirmed.has_value()) {
      entry.unconfirmed =
          *route.resend_unconfirmed ? UnconfirmedPolicy::kResend : UnconfirmedPolicy::kHold;
    }
  }
  absl::MutexLock lock(&mutex_);
  tenants_ = std::move(entries);
  version_ = *version;
  return false;
}

}  // namespace herald::delivery
