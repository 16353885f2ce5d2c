#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/lane.h"
#include "model/rate_limit.h"

namespace herald {

// How fast a bucket gives tokens: evenly, by the warm-up schedule, or so many a window.
struct Pace {
  absl::Duration interval;                   // between two tokens
  int burst = 1;                             // tokens at once after a pause
  absl::optional<absl::Time> warm_up_start;  // set: interval and burst follow the schedule
  Quota quota;                               // count > 0: this instead
};

// `rate.per_second` > 0. Without a burst it is what a `default_burst` gives, at least 1.
Pace PaceOf(Rate rate, absl::Duration default_burst);
Pace PaceOf(const Quota& quota);

// A sending domain's reputation at a mailbox provider grows with steady, slowly rising mail. Emails
// a day to one recipient domain, by days since the first; afterwards no limit. Spread evenly over
// the day, an hour's worth at once.
inline constexpr std::array<int, 14> kWarmUpSchedule = {
    50, 100, 200, 400, 800, 1'500, 3'000, 6'000, 12'000, 25'000, 50'000, 100'000, 200'000, 400'000};
Pace WarmUpPace(absl::Time start);

// A token bucket that gives out exact times (GCRA, the generic cell rate algorithm): who finds no
// token is told when its own comes, and need not ask before. Pure; times are the caller's.
//
// Lanes: a more urgent lane does not queue behind what a less urgent one has booked. It takes its
// token at once, and the next parked email of the lower lane whose time comes gives its own up for
// a new one at the end, so that the sum stays within the pace. A quota knows no lanes.
//
// A pace may change. What was booked at a slower one counts as so many tokens of the new one, not
// as the time they would have taken.
class RateBucket {
 public:
  // `state` as state() gave it; empty: a bucket that was never used.
  RateBucket(Pace pace, const std::vector<int64_t>& state);

  // When the next token of `lane` is there; `now`: at once.
  absl::Time SlotOf(Lane lane, absl::Time now) const;
  // Takes that token, to use it at once.
  void Take(Lane lane, absl::Time now);
  // Takes that token for an email that waits until its slot, which is returned.
  absl::Time Book(Lane lane, absl::Time now);
  // The slot that was booked has come. nullopt: go. Else the token went to a more urgent lane, and
  // this is the new slot.
  absl::optional<absl::Time> Redeem(Lane lane, absl::Time now);

  // Of `want` tokens those that are there, at least `need` or none; `need` is at most kNeedMax.
  // More than the burst are given when the bucket is full, on credit. With none, `wait` says when
  // `need` will be there.
  static constexpr int kNeedMax = 1000;
  struct Grant {
    int tokens = 0;
    absl::Duration wait;
  };
  Grant TakeUpTo(int need, int want, absl::Time now);

  bool changed() const { return changed_; }
  std::vector<int64_t> state() const;
  // From then on the bucket is as good as one that was never used.
  absl::Time idle_time() const;

 private:
  static constexpr size_t kLanes = kAllLanes.size();

  absl::Duration IntervalAt(absl::Time time) const;
  absl::Duration Tolerance(absl::Time now) const;
  absl::Time ArrivalOf(size_t lane, absl::Time now) const;
  void Advance(size_t lane, absl::Time now);
  void LetYield(size_t lane, absl::Time now);
  void Push(size_t lane, absl::Time now);
  void Remember(absl::Time slot);

  Pace pace_;
  bool changed_ = false;
  // GCRA's theoretical arrival time as each lane sees it: its own tokens and those of the lanes
  // above it.
  std::array<absl::Time, kLanes> arrival_;
  std::array<int64_t, kLanes> parked_{};  // emails of the lane that wait for their slots
  std::array<int64_t, kLanes> owed_{};    // of those, how many have to yield
  std::vector<absl::Time> slots_;         // of a quota: the last ones, in order
};

}  // namespace herald
