#include "server/acceptance/commit_pace.h"

#include <algorithm>
#include <cmath>

namespace herald::acceptance {
namespace {

// After which a commit counts about a third.
constexpr absl::Duration kMemory = absl::Seconds(3);

}  // namespace

double CommitPace::RecentAt(absl::Time now) const {
  const double age = std::max(absl::FDivDuration(now - recent_at_, kMemory), 0.0);
  return recent_ * std::exp(-age);
}

void CommitPace::Committed(size_t emails, absl::Time now) {
  recent_ = RecentAt(now) + static_cast<double>(emails);
  recent_at_ = now;
}

absl::Duration CommitPace::ComeAgainIn(size_t waiting, absl::Time now) const {
  const double memories = static_cast<double>(waiting) / 2 / std::max(RecentAt(now), 1.0);
  return std::clamp(memories * kMemory, kDelayMin, kDelayMax) * (0.5 + random_());
}

}  // namespace herald::acceptance
