#pragma once

#include <cstddef>
#include <functional>

#include "absl/time/time.h"

namespace herald::acceptance {

// How fast emails are committed of late, and from that when a caller who is refused should come
// again. Not thread-safe.
class CommitPace {
 public:
  // A uniform number in [0, 1).
  using Random = std::function<double()>;

  static constexpr absl::Duration kDelayMin = absl::Milliseconds(500);
  static constexpr absl::Duration kDelayMax = absl::Seconds(10);

  explicit CommitPace(Random random) : random_(std::move(random)) {}

  void Committed(size_t emails, absl::Time now);

  // Until about half of the `waiting` emails are committed: the line has not run dry by then, and
  // refusals cost little. Spread from half to one and a half of that, so that those who are refused
  // together do not come again together; before the spread in [kDelayMin, kDelayMax].
  absl::Duration ComeAgainIn(size_t waiting, absl::Time now) const;

 private:
  // Emails that count at `now`, each less the longer ago it was committed.
  double RecentAt(absl::Time now) const;

  const Random random_;
  double recent_ = 0;
  absl::Time recent_at_ = absl::InfinitePast();
};

}  // namespace herald::acceptance
