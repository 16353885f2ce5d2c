#include "server/rpc/search_executor.h"

#include <algorithm>
#include <utility>

namespace herald::rpc {

SearchExecutor::SearchExecutor(int threads, size_t waiting_max)
    : running_max_(std::max(threads - 1, 1)), waiting_max_(waiting_max) {
  absl::MutexLock lock(&join_mu_);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

SearchExecutor::~SearchExecutor() { Stop(); }

bool SearchExecutor::Submit(TenantId tenant, Task task) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return false;
  const auto found = lines_.find(tenant);
  if (found != lines_.end() && found->second.waiting.size() >= waiting_max_) return false;
  Line& line = lines_[tenant];
  if (line.waiting.empty()) turns_.push_back(tenant);
  line.waiting.push_back(std::move(task));
  return true;
}

void SearchExecutor::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  absl::MutexLock lock(&join_mu_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool SearchExecutor::MayBegin(TenantId tenant) const {
  return lines_.at(tenant).running < running_max_;
}

bool SearchExecutor::HasWork() const {
  if (stopping_ && turns_.empty()) return true;
  return std::any_of(turns_.begin(), turns_.end(),
                     [this](TenantId tenant)
                         ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return MayBegin(tenant); });
}

void SearchExecutor::Work() {
  for (;;) {
    Task task;
    TenantId tenant;
    {
      absl::MutexLock lock(&mu_, absl::Condition(this, &SearchExecutor::HasWork));
      if (turns_.empty()) return;
      const auto next = std::find_if(turns_.begin(), turns_.end(),
                                     [this](TenantId waiting) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                                       return MayBegin(waiting);
                                     });
      tenant = *next;
      turns_.erase(next);
      Line& line = lines_.at(tenant);
      task = std::move(line.waiting.front());
      line.waiting.pop_front();
      if (!line.waiting.empty()) turns_.push_back(tenant);
      ++line.running;
    }
    task();
    End(tenant);
  }
}

void SearchExecutor::End(TenantId tenant) {
  absl::MutexLock lock(&mu_);
  const auto found = lines_.find(tenant);
  --found->second.running;
  if (found->second.running == 0 && found->second.waiting.empty()) lines_.erase(found);
}

}  // namespace herald::rpc
