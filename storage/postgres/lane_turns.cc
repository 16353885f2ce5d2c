#include "storage/postgres/lane_turns.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"

namespace herald::storage {
namespace {

// Light tenants of one statement. A visit costs some microseconds.
constexpr size_t kVisitsMax = 1000;
// Busy tenants that even a small claim may try.
constexpr int kBusyVisitsMin = 50;
// How late a transaction usually commits after the time it carries, and how late at the most: its
// statements and its idle time are limited (transaction.h).
constexpr absl::Duration kNear = absl::Milliseconds(500);
constexpr absl::Duration kWide = absl::Seconds(20);
// While claims are full, the tenants are read again after this time; otherwise at every claim.
constexpr absl::Duration kTenantsAge = absl::Milliseconds(50);
// Looking further back happens this often, and takes at most a twentieth of the time.
constexpr absl::Duration kSweepPause = absl::Seconds(1);
constexpr int kSweepShare = 20;
// An idle claimer has the time for a sweep that took no longer than this.
constexpr absl::Duration kCheapSweep = absl::Milliseconds(10);

int CeilDiv(int a, int b) { return (a + b - 1) / b; }

}  // namespace

void LaneTurns::Know(std::vector<TenantId> tenants) {
  absl::MutexLock lock(&mutex_);
  known_ = std::move(tenants);
}

bool LaneTurns::NeedsTenants(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (saturated_ && now - known_at_ < kTenantsAge) return false;
  known_at_ = now;
  return true;
}

LaneTurns::Plan LaneTurns::Next(int limit, absl::Time now, absl::Span<const TenantId> except) {
  const std::set<TenantId> left_out(except.begin(), except.end());
  absl::MutexLock lock(&mutex_);
  Plan plan;
  plan.limit = limit;
  plan.partial = !left_out.empty();
  if (!plan.partial && cursor_.value == 0) pass_reach_ = ReachNow(now);
  plan.reach = plan.partial ? Reach::kNear : pass_reach_;
  plan.patient = plan.reach == Reach::kAll && visited_since_ == absl::InfinitePast();
  plan.pass = pass_;
  const int busy = static_cast<int>(absl::c_count_if(
      busy_, [&](const BusyVisit& visit) { return left_out.count(visit.tenant) == 0; }));
  // One more than gave anything at the last claim: whoever comes anew has a share as well.
  const int light = light_giving_ + 1;
  plan.light_quota = busy == 0 ? limit : std::max(1, limit / (busy + light));
  plan.light_max =
      busy == 0 ? limit : std::max(1, static_cast<int>(int64_t{limit} * light / (busy + light)));
  ListLight(plan, left_out);
  ListBusy(plan, left_out);
  return plan;
}

void LaneTurns::ListLight(Plan& plan, const std::set<TenantId>& except) {
  if (plan.reach != Reach::kAll) {
    plan.light_from = visited_since_ - (plan.reach == Reach::kWide ? kWide : kNear);
  }
  std::set<TenantId> busy = except;
  for (const BusyVisit& visit : busy_) busy.insert(visit.tenant);
  auto next = std::upper_bound(known_.begin(), known_.end(), cursor_);
  for (; next != known_.end() && plan.light.size() < kVisitsMax; ++next) {
    if (busy.count(*next) == 0) plan.light.push_back(*next);
  }
  plan.ends_pass = next == known_.end();
}

void LaneTurns::ListBusy(Plan& plan, const std::set<TenantId>& except) {
  const size_t visits_max = static_cast<size_t>(std::max(plan.limit, kBusyVisitsMin));
  for (const BusyVisit& visit : busy_) {
    if (plan.busy.size() == visits_max) break;
    if (except.count(visit.tenant) == 0) plan.busy.push_back(visit);
  }
  if (plan.busy.empty()) return;
  for (BusyVisit& visit : plan.busy) {
    if (plan.reach == Reach::kAll) visit.from = {};
    if (plan.reach == Reach::kWide) visit.from = {visit.from.run_at - kWide, {}};
  }
  const int left = plan.limit - std::min(light_taken_, plan.light_max);
  plan.busy_quota = std::max(1, CeilDiv(left, static_cast<int>(plan.busy.size())));
}

void LaneTurns::Done(const Plan& plan, absl::Span<const Taken> taken, absl::optional<absl::Time> at,
                     absl::Time now, absl::Duration took) {
  Shares shares;
  absl::Time latest = absl::InfinitePast();
  for (const Taken& email : taken) {
    Share& share = shares[email.tenant];
    const bool further = share.emails == 0 || std::pair(share.last.run_at, share.last.id) <
                                                  std::pair(email.place.run_at, email.place.id);
    if (further) share.last = email.place;
    ++share.emails;
    latest = std::max(latest, email.place.run_at);
  }
  const int total = static_cast<int>(taken.size());
  const bool cut = total >= plan.limit;

  absl::MutexLock lock(&mutex_);
  saturated_ = cut;
  if (!plan.partial) idle_ = total == 0;
  // Without the database's clock, the latest that was due is a time that had come.
  const absl::Time near = at.value_or(latest) - kNear;
  const int light_taken = DoneLight(plan, shares, near);
  absl::optional<TenantId> cut_at;
  if (light_taken >= std::min(plan.light_max, plan.limit)) {
    for (TenantId tenant : plan.light) {
      if (shares.count(tenant) > 0) cut_at = tenant;
    }
  }
  MovePass(plan, cut_at, at, now, took);
  DoneBusy(plan, shares, cut, near);
}

int LaneTurns::DoneLight(const Plan& plan, const Shares& shares, absl::Time near) {
  int taken = 0;
  light_taken_ = 0;
  light_giving_ = 0;
  for (TenantId tenant : plan.light) {
    const auto share = shares.find(tenant);
    if (share == shares.end()) continue;
    taken += share->second.emails;
    if (share->second.emails < plan.light_quota) {
      light_taken_ += share->second.emails;
      ++light_giving_;
    } else if (!IsBusy(tenant)) {
      Place from = share->second.last;
      if (from.run_at > near) from = {near, {}};
      busy_.push_back({tenant, from});
    }
  }
  return taken;
}

void LaneTurns::DoneBusy(const Plan& plan, const Shares& shares, bool cut, absl::Time near) {
  // Of a claim that was cut off, only those up to the last one that gave were visited for sure.
  size_t visited = plan.busy.size();
  if (cut) {
    while (visited > 0 && shares.count(plan.busy[visited - 1].tenant) == 0) --visited;
  }
  for (size_t i = 0; i < visited; ++i) {
    const TenantId tenant = plan.busy[i].tenant;
    const auto place = std::find_if(busy_.begin(), busy_.end(),
                                    [&](const BusyVisit& b) { return b.tenant == tenant; });
    if (place == busy_.end()) continue;  // another claim saw the end of its line
    BusyVisit visit = *place;
    busy_.erase(place);
    const auto share = shares.find(tenant);
    const int emails = share == shares.end() ? 0 : share->second.emails;
    const bool last_of_cut = cut && i + 1 == visited;
    if (emails < plan.busy_quota && !last_of_cut) continue;  // its line ended: light again
    visit.from = share->second.last;
    if (visit.from.run_at > near) visit.from = {near, {}};
    busy_.push_back(visit);
  }
}

void LaneTurns::MovePass(const Plan& plan, absl::optional<TenantId> cut_at,
                         absl::optional<absl::Time> at, absl::Time now, absl::Duration took) {
  if (plan.partial || plan.pass != pass_) return;  // or a later pass began meanwhile
  pass_took_ += took;
  if (at.has_value()) pass_start_ = std::min(pass_start_.value_or(*at), *at);
  if (cut_at.has_value()) {
    cursor_ = TenantId{cut_at->value - 1};
    return;
  }
  if (!plan.ends_pass) {
    cursor_ = plan.light.back();  // full, or it would reach to the end
    return;
  }
  Pace(plan.reach, now, pass_took_);
  if (pass_start_.has_value()) visited_since_ = *pass_start_;
  BeginPass();
}

void LaneTurns::BeginPass() {
  ++pass_;
  cursor_ = {};
  pass_start_.reset();
  pass_took_ = absl::ZeroDuration();
}

bool LaneTurns::HasMoreToVisit(const Plan& plan, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  // Busy ones that gave nothing are light again, so each further claim leaves fewer of them.
  if (!busy_.empty() || cursor_.value != 0) return true;
  return plan.reach != Reach::kAll && ReachNow(now) == Reach::kAll;
}

void LaneTurns::Failed(const Plan& plan, absl::optional<absl::Time> at, absl::Time now,
                       absl::Duration took) {
  absl::MutexLock lock(&mutex_);
  if (plan.reach == Reach::kNear || plan.pass != pass_) return;
  if (plan.patient && at.has_value()) visited_since_ = *at - kWide;
  Pace(plan.reach, now, took);
  BeginPass();
}

void LaneTurns::LookBack() {
  absl::MutexLock lock(&mutex_);
  next_all_ = std::min(next_all_, next_idle_all_);
  BeginPass();
}

LaneTurns::Reach LaneTurns::ReachNow(absl::Time now) const {
  if (now >= next_all_ || (idle_ && now >= next_idle_all_)) return Reach::kAll;
  return now >= next_wide_ ? Reach::kWide : Reach::kNear;
}

void LaneTurns::Pace(Reach reach, absl::Time now, absl::Duration took) {
  const absl::Time next = now + std::max(kSweepPause, kSweepShare * took);
  if (reach == Reach::kNear) return;
  next_wide_ = next;
  if (reach != Reach::kAll) return;
  next_all_ = next;
  next_idle_all_ = took <= kCheapSweep ? now : now + kSweepShare * took;
}

bool LaneTurns::IsBusy(TenantId tenant) const {
  return std::any_of(busy_.begin(), busy_.end(),
                     [&](const BusyVisit& b) { return b.tenant == tenant; });
}

}  // namespace herald::storage
