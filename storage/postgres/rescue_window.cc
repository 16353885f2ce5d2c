#include "storage/postgres/rescue_window.h"

#include <algorithm>

namespace herald::storage {
namespace {

// Room for clocks that run apart and rows that were locked for a moment.
constexpr absl::Duration kOverlap = absl::Seconds(5);
// The window of a rescue that has never yet been complete.
constexpr absl::Duration kFirstWindow = absl::Minutes(10);
constexpr absl::Duration kAllPause = absl::Seconds(30);
constexpr int kAllShare = 20;

}  // namespace

absl::optional<absl::Duration> RescueWindow::Next(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (now >= next_all_) return absl::nullopt;
  return complete_ == absl::InfinitePast() ? kFirstWindow : now - complete_ + kOverlap;
}

void RescueWindow::Done(absl::optional<absl::Duration> window, absl::Time start, absl::Time now,
                        bool complete) {
  absl::MutexLock lock(&mutex_);
  if (complete) complete_ = std::max(complete_, start);
  // One that failed was perhaps too long: it is put off as well.
  if (!window.has_value()) next_all_ = now + std::max(kAllPause, kAllShare * (now - start));
}

}  // namespace herald::storage
