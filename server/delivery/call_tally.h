#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "storage/account_health_store.h"

namespace herald::delivery {

// Calls of one account that were not reported yet, by second and revision. Not thread-safe.
class CallTally {
 public:
  void Add(absl::Time now, int64_t revision, absl::Duration took, bool failed);
  // Forgets what is older.
  void Prune(absl::Time before);
  // Of calls begun under `revision`, ended since `since`.
  storage::CallCounts Count(int64_t revision, absl::Time since) const;
  // Everything that began under a revision of the database's: those are not negative.
  std::vector<storage::AccountCalls> Reports(const std::string& account) const;
  void Merge(const CallTally& other);

 private:
  struct Key {
    int64_t slot = 0;  // of kSlot
    int64_t revision = 0;
    int latency_class = 0;
    friend bool operator<(const Key& a, const Key& b) {
      return std::tie(a.slot, a.revision, a.latency_class) <
             std::tie(b.slot, b.revision, b.latency_class);
    }
  };
  struct Counts {
    int calls = 0;
    int failures = 0;
    int64_t total_ms = 0;
  };
  std::map<Key, Counts> counts_;
};

}  // namespace herald::delivery
