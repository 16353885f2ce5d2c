#include "server/rpc/readiness.h"

#include <utility>

#include "model/steady_time.h"

namespace herald::rpc {

Readiness::Readiness(absl::Duration interval, std::function<absl::Status()> ping,
                     std::function<void(bool)> report)
    : interval_(interval), ping_(std::move(ping)), report_(std::move(report)) {
  thread_ = std::thread([this] { Watch(); });
}

Readiness::~Readiness() { Stop(); }

void Readiness::Stop() {
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    stopping_ = true;
    report_(false);  // before the thread ends: a ping may be hanging
  }
  thread_.join();
}

void Readiness::Watch() {
  bool reported = false;
  bool ready = false;
  for (;;) {
    const bool answers = ping_().ok();
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    if (!reported || answers != ready) report_(answers);
    reported = true;
    ready = answers;
    AwaitSteadily(mu_, absl::Condition(&stopping_), interval_);
    if (stopping_) return;
  }
}

}  // namespace herald::rpc
