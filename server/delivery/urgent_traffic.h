#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace herald::delivery {

// Whether this process is delivering CRITICAL emails just now. Times are SteadyNow's. Thread-safe.
class UrgentTraffic {
 public:
  // Some were claimed.
  void Note(absl::Time now) { last_ = absl::ToUnixNanos(now); }
  bool Flows(absl::Time now) const { return now < absl::FromUnixNanos(last_) + kMemory; }

 private:
  static constexpr absl::Duration kMemory = absl::Seconds(1);

  std::atomic<int64_t> last_{INT64_MIN};
};

}  // namespace herald::delivery
