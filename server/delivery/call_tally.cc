#include "server/delivery/call_tally.h"

#include <algorithm>

namespace herald::delivery {
namespace {

constexpr absl::Duration kSlot = absl::Milliseconds(250);

int64_t SlotOf(absl::Time time) {
  return absl::ToUnixMillis(time) / absl::ToInt64Milliseconds(kSlot);
}

int LatencyClass(int64_t took_ms) {
  const auto& bounds = storage::kLatencyClassMs;
  return static_cast<int>(std::lower_bound(bounds.begin(), bounds.end(), took_ms) - bounds.begin());
}

}  // namespace

void CallTally::Add(absl::Time now, int64_t revision, absl::Duration took, bool failed) {
  const int64_t took_ms = absl::ToInt64Milliseconds(took);
  Counts& counts = counts_[{SlotOf(now), revision, LatencyClass(took_ms)}];
  ++counts.calls;
  counts.failures += failed ? 1 : 0;
  counts.total_ms += took_ms;
}

void CallTally::Prune(absl::Time before) {
  counts_.erase(counts_.begin(), counts_.lower_bound(Key{SlotOf(before), INT64_MIN, 0}));
}

storage::CallCounts CallTally::Count(int64_t revision, absl::Time since) const {
  storage::CallCounts sum;
  for (auto it = counts_.lower_bound(Key{SlotOf(since), INT64_MIN, 0}); it != counts_.end(); ++it) {
    if (it->first.revision != revision) continue;
    sum.calls += it->second.calls;
    sum.failures += it->second.failures;
  }
  return sum;
}

std::vector<storage::AccountCalls> CallTally::Reports(const std::string& account) const {
  std::map<std::pair<int64_t, int>, Counts> merged;
  for (const auto& [key, counts] : counts_) {
    if (key.revision < 0) continue;
    Counts& sum = merged[{key.revision, key.latency_class}];
    sum.calls += counts.calls;
    sum.failures += counts.failures;
    sum.total_ms += counts.total_ms;
  }
  std::vector<storage::AccountCalls> reports;
  for (const auto& [key, counts] : merged) {
    reports.push_back(
        {account, key.first, key.second, counts.calls, counts.failures, counts.total_ms});
  }
  return reports;
}

void CallTally::Merge(const CallTally& other) {
  for (const auto& [key, counts] : other.counts_) {
    Counts& sum = counts_[key];
    sum.calls += counts.calls;
    sum.failures += counts.failures;
    sum.total_ms += counts.total_ms;
  }
}

}  // namespace herald::delivery
