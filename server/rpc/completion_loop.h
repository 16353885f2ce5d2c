#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace herald::rpc {

// What a completion queue calls back.
class CompletionTag {
 public:
  virtual ~CompletionTag() = default;
  // On the loop's thread. `ok` as in grpc::CompletionQueue::Next. May delete this.
  virtual void OnCompletion(bool ok) = 0;
};

// A completion queue with the one thread that polls it. One loop was measured faster than two on
// two cores.
class CompletionLoop final : public CompletionTag {
 public:
  explicit CompletionLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  ~CompletionLoop() override;

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }
  // Before Start, or on the loop's thread: false once the queue takes nothing more.
  bool accepts() const { return accepts_; }

  // Runs `task` on the loop's thread: at once when called there, else soon. What gathers while that
  // thread is busy costs one wake-up together. From any thread, while a call is held.
  void RunOnLoop(std::function<void()> task);

  void Start();
  // Shuts the queue down on its own thread and joins that. Only after the server was shut down and
  // no call is held. Safe to repeat.
  void Stop();

 private:
  // The alarm that brings the gathered tasks to the thread.
  struct Wake final : CompletionTag {
    explicit Wake(CompletionLoop& owner) : loop(owner) {}
    void OnCompletion(bool) override { loop.RunGathered(); }
    CompletionLoop& loop;
    grpc::Alarm alarm;
  };

  void OnCompletion(bool ok) override;
  void Run();
  void RunGathered();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  grpc::Alarm stop_;
  bool accepts_ = true;  // only the loop's thread after Start
  Wake wake_{*this};

  absl::Mutex mutex_;
  std::vector<std::function<void()>> gathered_ ABSL_GUARDED_BY(mutex_);  // not empty: wake_ is set

  std::thread thread_;
};

}  // namespace herald::rpc
