#include "server/rpc/completion_loop.h"

#include <utility>

namespace herald::rpc {

CompletionLoop::CompletionLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)) {}

CompletionLoop::~CompletionLoop() { Stop(); }

void CompletionLoop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void CompletionLoop::Stop() {
  if (thread_.joinable()) {
    // An alarm carries the order to the thread, so that no call is posted beside the shutdown.
    stop_.Set(queue_.get(), gpr_now(GPR_CLOCK_MONOTONIC), static_cast<CompletionTag*>(this));
    thread_.join();
  } else if (accepts_) {
    accepts_ = false;
    queue_->Shutdown();
    Run();
  }
}

void CompletionLoop::RunOnLoop(std::function<void()> task) {
  if (std::this_thread::get_id() == thread_.get_id()) return task();
  absl::MutexLock lock(&mutex_);
  gathered_.push_back(std::move(task));
  if (gathered_.size() > 1) return;
  wake_.alarm.Set(queue_.get(), gpr_now(GPR_CLOCK_MONOTONIC), static_cast<CompletionTag*>(&wake_));
}

void CompletionLoop::RunGathered() {
  std::vector<std::function<void()>> tasks;
  {
    absl::MutexLock lock(&mutex_);
    tasks.swap(gathered_);
  }
  for (const auto& task : tasks) task();
}

void CompletionLoop::OnCompletion(bool) {
  accepts_ = false;
  queue_->Shutdown();
}

void CompletionLoop::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<CompletionTag*>(tag)->OnCompletion(ok);
}

}  // namespace herald::rpc
