#include "server/delivery/closed_routes.h"

#include <utility>

namespace herald::delivery {
namespace {

constexpr absl::Duration kScoutInterval = absl::Milliseconds(250);

}  // namespace

void ClosedRoutes::Note(TenantId tenant) {
  absl::MutexLock lock(&mutex_);
  closed_.insert(tenant);
}

ClosedRoutes::Advice ClosedRoutes::Next(absl::Time now, std::vector<TenantId> full) {
  absl::MutexLock lock(&mutex_);
  absl::erase_if(closed_, [this](TenantId tenant) {
    RouteQuery query;
    query.tenant = tenant;
    query.lane = lane_;
    query.peek = true;
    return router_->Choose(query).provider != nullptr;
  });
  Advice advice{std::move(full), false};
  if (closed_.empty()) return advice;
  if (now - scouted_ >= kScoutInterval) {
    scouted_ = now;
    advice.scouts = true;
  } else {
    advice.except.insert(advice.except.end(), closed_.begin(), closed_.end());
  }
  return advice;
}

}  // namespace herald::delivery
