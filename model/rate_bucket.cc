#include "model/rate_bucket.h"

#include <algorithm>
#include <cmath>

namespace herald {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
// Between two tokens of the smallest rate that is kept apart from others. No email waits so long.
constexpr absl::Duration kIntervalMax = absl::Hours(24 * 366);

size_t IndexOf(Lane lane) { return static_cast<size_t>(lane) - 1; }

// Emails a day at that time; 0: warm.
int WarmUpLimit(absl::Time start, absl::Time time) {
  const auto day = std::max<int64_t>(absl::Floor(time - start, kDay) / kDay, 0);
  return day < static_cast<int64_t>(kWarmUpSchedule.size())
             ? kWarmUpSchedule[static_cast<size_t>(day)]
             : 0;
}

int HourOf(int a_day) { return std::max(1, a_day / 24); }

}  // namespace

Pace PaceOf(Rate rate, absl::Duration default_burst) {
  Pace pace;
  // Rounded up: rather a little too slow than too fast.
  const double nanos = std::min(std::ceil(1e9 / rate.per_second),
                                static_cast<double>(absl::ToInt64Nanoseconds(kIntervalMax)));
  pace.interval = absl::Nanoseconds(static_cast<int64_t>(nanos));
  const double burst = rate.per_second * absl::ToDoubleSeconds(default_burst);
  pace.burst = rate.burst > 0 ? rate.burst : std::max(1, static_cast<int>(burst));
  return pace;
}

Pace PaceOf(const Quota& quota) {
  Pace pace;
  pace.quota = quota;
  return pace;
}

Pace WarmUpPace(absl::Time start) {
  Pace pace;
  pace.warm_up_start = start;
  return pace;
}

RateBucket::RateBucket(Pace pace, const std::vector<int64_t>& state) : pace_(std::move(pace)) {
  arrival_.fill(absl::InfinitePast());
  if (pace_.quota.count > 0) {
    for (int64_t nanos : state) slots_.push_back(absl::FromUnixNanos(nanos));
  } else if (state.size() == 3 * kLanes) {
    for (size_t i = 0; i < kLanes; ++i) {
      arrival_[i] = absl::FromUnixNanos(state[i]);
      parked_[i] = state[kLanes + i];
      owed_[i] = state[2 * kLanes + i];
    }
  }
}

std::vector<int64_t> RateBucket::state() const {
  std::vector<int64_t> state;
  for (absl::Time slot : slots_) state.push_back(absl::ToUnixNanos(slot));
  if (pace_.quota.count > 0) return state;
  for (absl::Time time : arrival_) {
    state.push_back(absl::ToUnixNanos(std::max(time, absl::UnixEpoch())));
  }
  state.insert(state.end(), parked_.begin(), parked_.end());
  state.insert(state.end(), owed_.begin(), owed_.end());
  return state;
}

absl::Time RateBucket::idle_time() const {
  if (pace_.quota.count > 0) {
    return slots_.empty() ? absl::InfinitePast() : slots_.back() + pace_.quota.window;
  }
  return *std::max_element(arrival_.begin(), arrival_.end());
}

absl::Duration RateBucket::IntervalAt(absl::Time time) const {
  if (!pace_.warm_up_start.has_value()) return pace_.interval;
  const int limit = WarmUpLimit(*pace_.warm_up_start, time);
  return limit == 0 ? absl::ZeroDuration() : kDay / limit;
}

// How far ahead of their even spacing tokens may be used.
absl::Duration RateBucket::Tolerance(absl::Time now) const {
  if (!pace_.warm_up_start.has_value()) return pace_.interval * (pace_.burst - 1);
  const int limit = WarmUpLimit(*pace_.warm_up_start, now);
  return limit == 0 ? absl::ZeroDuration() : (kDay / limit) * (HourOf(limit) - 1);
}

// At its pace, every lane has used at most its burst, and booked at most what is parked.
absl::Time RateBucket::ArrivalOf(size_t lane, absl::Time now) const {
  if (pace_.warm_up_start.has_value()) return arrival_[lane];
  int64_t tokens = 1;
  for (size_t i = 0; i <= lane; ++i) tokens += pace_.burst + parked_[i];
  return std::min(arrival_[lane], now + pace_.interval * tokens);
}

absl::Time RateBucket::SlotOf(Lane lane, absl::Time now) const {
  if (pace_.quota.count > 0) {
    const size_t count = static_cast<size_t>(pace_.quota.count);
    if (slots_.size() < count) return now;
    return std::max(now, slots_[slots_.size() - count] + pace_.quota.window);
  }
  const absl::Time arrival = ArrivalOf(IndexOf(lane), now);
  return std::max(now, arrival - Tolerance(std::max(arrival, now)));
}

void RateBucket::Take(Lane lane, absl::Time now) {
  changed_ = true;
  if (pace_.quota.count > 0) return Remember(SlotOf(lane, now));
  Advance(IndexOf(lane), now);
}

absl::Time RateBucket::Book(Lane lane, absl::Time now) {
  const absl::Time slot = SlotOf(lane, now);
  Take(lane, now);
  if (pace_.quota.count == 0) ++parked_[IndexOf(lane)];
  return slot;
}

absl::optional<absl::Time> RateBucket::Redeem(Lane lane, absl::Time now) {
  const size_t index = IndexOf(lane);
  if (pace_.quota.count > 0 || parked_[index] == 0) return absl::nullopt;
  changed_ = true;
  if (owed_[index] == 0) {
    --parked_[index];
    return absl::nullopt;
  }
  --owed_[index];
  const absl::Time slot = SlotOf(lane, now);
  Push(index, now);
  return slot;
}

RateBucket::Grant RateBucket::TakeUpTo(int need, int want, absl::Time now) {
  absl::Time& arrival = arrival_[0];
  const absl::Duration full = pace_.interval * pace_.burst;
  // Written down also where nothing is granted: from here on it shrinks with time.
  const absl::Time latest = now + full + pace_.interval * kNeedMax;
  if (arrival > latest) {
    arrival = latest;
    changed_ = true;
  }
  const absl::Duration ahead = std::max(arrival - now, absl::ZeroDuration());
  // A need beyond the burst is met by a full bucket.
  const absl::Duration wait = ahead + pace_.interval * std::min(need, pace_.burst) - full;
  if (wait > absl::ZeroDuration()) return {0, wait};
  const int64_t there = (full - ahead) / pace_.interval;
  const int64_t tokens = std::max<int64_t>(need, std::min<int64_t>(want, there));
  arrival = now + ahead + pace_.interval * tokens;
  changed_ = true;
  return {static_cast<int>(tokens), absl::ZeroDuration()};
}

// A token of `lane` is gone: it counts for that lane and for those below.
void RateBucket::Advance(size_t lane, absl::Time now) {
  Push(lane, now);
  for (size_t below = lane + 1; below < kLanes; ++below) LetYield(below, now);
}

// Where emails of the lane are parked, one of them yields; else the lane's next token comes later.
void RateBucket::LetYield(size_t lane, absl::Time now) {
  const absl::Time arrival = ArrivalOf(lane, now);
  if (arrival - Tolerance(std::max(arrival, now)) <= now) {
    // All slots have passed. Who is still counted was cancelled or has expired.
    parked_[lane] = 0;
    owed_[lane] = 0;
  }
  if (owed_[lane] < parked_[lane]) {
    ++owed_[lane];
  } else {
    Push(lane, now);
  }
}

void RateBucket::Push(size_t lane, absl::Time now) {
  const absl::Time from = std::max(ArrivalOf(lane, now), now);
  arrival_[lane] = from + IntervalAt(from);
}

void RateBucket::Remember(absl::Time slot) {
  slots_.push_back(slot);
  const size_t count = static_cast<size_t>(pace_.quota.count);
  if (slots_.size() > count) slots_.erase(slots_.begin(), slots_.end() - pace_.quota.count);
}

}  // namespace herald
