#include "client/cancellation.h"

#include <utility>

namespace herald::client {

void Cancellation::Cancel() {
  absl::MutexLock lock(&mu_);
  if (cancelled_) return;
  cancelled_ = true;
  if (interrupt_) interrupt_();
}

bool Cancellation::cancelled() const {
  absl::MutexLock lock(&mu_);
  return cancelled_;
}

void Cancellation::SetInterrupt(std::function<void()> interrupt) {
  absl::MutexLock lock(&mu_);
  interrupt_ = std::move(interrupt);
  if (cancelled_ && interrupt_) interrupt_();
}

}  // namespace herald::client
