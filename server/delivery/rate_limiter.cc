#include "server/delivery/rate_limiter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace herald::delivery {
namespace {

// The tenant of buckets that all share.
constexpr TenantId kNobody{};

// The entry for the category, or the one for those without.
const storage::CategoryLimits* EntryFor(const storage::TenantLimits* own,
                                        const std::string& category) {
  if (own == nullptr) return nullptr;
  const storage::CategoryLimits* other = nullptr;
  for (const storage::CategoryLimits& entry : own->categories) {
    if (entry.category == category) return &entry;
    if (entry.category.empty()) other = &entry;
  }
  return other;
}

Rate Or(Rate rate, Rate fallback) { return rate.per_second > 0 ? rate : fallback; }

}  // namespace

RateLimiter::RateLimiter(limits::LimitDefaults defaults, const limits::TenantLimitCache* tenants,
                         storage::RateLimitStore* store)
    : defaults_(std::move(defaults)), tenants_(tenants), store_(store) {}

void RateLimiter::Add(const SendCandidate& candidate, LimitScope scope, std::string key,
                      const Pace& pace, Buckets& buckets) const {
  const auto exempt = defaults_.exempt_lanes.find(scope);
  if (exempt != defaults_.exempt_lanes.end() && exempt->second.count(candidate.lane) > 0) return;
  buckets.push_back({IsShared(scope) ? kNobody : candidate.tenant, scope, std::move(key), pace});
}

void RateLimiter::AddRate(const SendCandidate& candidate, LimitScope scope, std::string key,
                          Rate rate, Buckets& buckets) const {
  if (rate.per_second <= 0) return;
  Add(candidate, scope, std::move(key), PaceOf(rate, limits::kSendBurst), buckets);
}

void RateLimiter::AddOfCategory(const SendCandidate& candidate, const storage::TenantLimits* own,
                                Buckets& buckets) const {
  const storage::CategoryLimits* entry = EntryFor(own, candidate.category);
  AddRate(candidate, LimitScope::kCategory, candidate.category,
          Or(entry != nullptr ? entry->send : Rate{}, defaults_.category), buckets);
}

absl::Status RateLimiter::AddOfDomains(const SendCandidate& candidate,
                                       const storage::TenantLimits* own, Buckets& buckets) const {
  const std::string pair = absl::StrCat(candidate.sender_domain, ">", candidate.recipient_domain);
  AddRate(candidate, LimitScope::kRecipientDomain, pair,
          Or(own != nullptr ? own->recipient_domain : Rate{}, defaults_.recipient_domain), buckets);
  const bool warm_up =
      own != nullptr ? own->warm_up.value_or(defaults_.warm_up) : defaults_.warm_up;
  if (!warm_up) return absl::OkStatus();
  const absl::StatusOr<absl::Time> start = WarmUpStart(candidate.tenant, candidate.sender_domain);
  if (!start.ok()) return start.status();
  Add(candidate, LimitScope::kWarmUp, pair, WarmUpPace(*start), buckets);
  return absl::OkStatus();
}

// In the order of the scopes: from narrow to wide.
absl::StatusOr<RateLimiter::Buckets> RateLimiter::BucketsOf(const SendCandidate& candidate) const {
  Buckets buckets;
  if (candidate.test) return buckets;
  const limits::TenantLimitCache::Limits own = tenants_->Find(candidate.tenant);
  const storage::CategoryLimits* category = EntryFor(own.get(), candidate.category);
  const Quota quota = category != nullptr && category->per_user.count > 0
                          ? category->per_user
                          : defaults_.recipient_user;
  if (quota.count > 0 && !candidate.user_id.empty()) {
    // No category holds a line feed, so no two pairs look alike.
    Add(candidate, LimitScope::kRecipientUser,
        absl::StrCat(candidate.category, "\n", candidate.user_id), PaceOf(quota), buckets);
  }
  if (absl::Status status = AddOfDomains(candidate, own.get(), buckets); !status.ok()) {
    return status;
  }
  AddOfCategory(candidate, own.get(), buckets);
  AddRate(candidate, LimitScope::kTenant, "",
          Or(own != nullptr ? own->send : Rate{}, defaults_.tenant), buckets);
  const auto account = defaults_.accounts.find(candidate.account);
  if (account != defaults_.accounts.end()) {
    AddRate(candidate, LimitScope::kAccount, candidate.account, account->second, buckets);
  }
  AddRate(candidate, LimitScope::kGlobal, "", defaults_.global, buckets);
  return buckets;
}

absl::StatusOr<absl::Time> RateLimiter::WarmUpStart(TenantId tenant,
                                                    const std::string& domain) const {
  const std::pair<int64_t, std::string> key(tenant.value, domain);
  {
    absl::MutexLock lock(&mutex_);
    const auto known = warm_ups_.find(key);
    if (known != warm_ups_.end()) return known->second;
  }
  const absl::StatusOr<absl::Time> start = store_->WarmUpStart(tenant, domain);
  if (!start.ok()) return start;
  absl::MutexLock lock(&mutex_);
  warm_ups_[key] = *start;
  return start;
}

bool RateLimiter::MayLimit(TenantId tenant, absl::string_view account) const {
  const auto limits = [](Rate rate) { return rate.per_second > 0; };
  const auto own = defaults_.accounts.find(std::string(account));
  return limits(defaults_.global) || limits(defaults_.tenant) || limits(defaults_.category) ||
         limits(defaults_.recipient_domain) || defaults_.recipient_user.count > 0 ||
         defaults_.warm_up || (own != defaults_.accounts.end() && limits(own->second)) ||
         tenants_->Find(tenant) != nullptr;
}

absl::StatusOr<bool> RateLimiter::AdmitTogether(absl::Span<const SendCandidate> candidates) const {
  std::vector<storage::SlotRequest> asked;
  for (const SendCandidate& candidate : candidates) {
    absl::StatusOr<Buckets> buckets = BucketsOf(candidate);
    if (!buckets.ok()) return buckets.status();
    if (buckets->empty()) continue;
    asked.push_back({candidate.lane, candidate.expire_time, {}, *std::move(buckets)});
  }
  if (asked.empty()) return true;
  return store_->ReserveTogether(asked);
}

absl::StatusOr<std::vector<storage::SlotAnswer>> RateLimiter::Admit(
    absl::Span<const SendCandidate> candidates) const {
  std::vector<storage::SlotAnswer> answers(candidates.size());
  std::vector<storage::SlotRequest> asked;
  std::vector<size_t> positions;
  for (size_t i = 0; i < candidates.size(); ++i) {
    absl::StatusOr<Buckets> buckets = BucketsOf(candidates[i]);
    if (!buckets.ok()) return buckets.status();
    if (buckets->empty()) continue;
    positions.push_back(i);
    asked.push_back({candidates[i].lane, candidates[i].expire_time, candidates[i].slots_held,
                     *std::move(buckets)});
  }
  if (asked.empty()) return answers;
  absl::StatusOr<std::vector<storage::SlotAnswer>> told = store_->Reserve(asked);
  if (!told.ok()) return told.status();
  for (size_t k = 0; k < positions.size(); ++k) answers[positions[k]] = std::move((*told)[k]);
  return answers;
}

}  // namespace herald::delivery
