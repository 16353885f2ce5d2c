#include "server/delivery/tenant_shares.h"

#include <algorithm>

namespace herald::delivery {
namespace {

constexpr int kTimesFree =
    3;  // of what is free, the most that a tenant may hold and still get more

}  // namespace

TenantShares::TenantShares(int capacity, int batch)
    : capacity_(capacity), batch_(std::clamp(capacity / 4, 1, std::max(batch, 1))) {}

TenantShares::Allowance TenantShares::Next() const {
  Allowance allowance;
  if (Free() <= 0) return allowance;
  // A single claim does not take the last one either.
  allowance.limit = std::min(batch_, std::max(1, Free() * kTimesFree / (kTimesFree + 1)));
  for (const auto& [tenant, places] : by_tenant_) {
    if (IsFull(places)) allowance.full.push_back(tenant);
  }
  return allowance;
}

// Claims are as large as they may be: a tenant gets a batch more or nothing, unless few are free.
bool TenantShares::IsFull(int places) const {
  return places + (IsScarce() ? 1 : batch_) > kTimesFree * Free();
}

bool TenantShares::IsBetterThan(const Allowance& before) const {
  if (before.limit == 0) return Free() > 0;
  if (IsScarce()) return false;
  return std::any_of(before.full.begin(), before.full.end(), [this](TenantId tenant) {
    const auto held = by_tenant_.find(tenant);
    return held == by_tenant_.end() || !IsFull(held->second);
  });
}

void TenantShares::Add(TenantId tenant, int places) {
  if (places == 0) return;
  held_ += places;
  const auto held = by_tenant_.emplace(tenant, 0).first;
  held->second += places;
  if (held->second == 0) by_tenant_.erase(held);
}

}  // namespace herald::delivery
