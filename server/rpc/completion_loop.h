#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <thread>

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

  void Start();
  // Shuts the queue down on its own thread and joins that. Only after the server was shut down and
  // no call is held. Safe to repeat.
  void Stop();

 private:
  void OnCompletion(bool ok) override;
  void Run();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  grpc::Alarm stop_;
  bool accepts_ = true;  // only the loop's thread after Start
  std::thread thread_;
};

}  // namespace herald::rpc
