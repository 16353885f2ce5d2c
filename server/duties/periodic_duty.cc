#include "server/duties/periodic_duty.h"

#include <utility>

#include "model/steady_time.h"

namespace herald::duties {

PeriodicDuty::PeriodicDuty(std::string name, absl::Duration interval, Round round, OnError on_error)
    : name_(std::move(name)),
      interval_(interval),
      round_(std::move(round)),
      on_error_(std::move(on_error)) {}

PeriodicDuty::~PeriodicDuty() { Stop(); }

void PeriodicDuty::Start() {
  absl::MutexLock control(&control_mutex_);
  if (thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void PeriodicDuty::Stop() {
  absl::MutexLock control(&control_mutex_);
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::StatusOr<bool> PeriodicDuty::RunOnce() { return round_(); }

void PeriodicDuty::Run() {
  while (true) {
    const absl::StatusOr<bool> more = round_();
    if (!more.ok()) on_error_(name_, more.status());
    const absl::Duration pause = more.ok() && *more ? absl::ZeroDuration() : interval_;
    absl::MutexLock lock(&mutex_);
    const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
    if (AwaitSteadily(mutex_, absl::Condition(&stopping), pause)) return;
  }
}

}  // namespace herald::duties
