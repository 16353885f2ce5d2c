#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/webhook/delivery_event_sink.h"

namespace herald::webhook {

// Gathers the events of concurrent requests into few calls of the sink.
//
// An event leaves at once while no call is running; else it waits for the running call to return,
// for a full batch, or for `linger`, whichever comes first. So a burst costs few calls, and one
// slow call does not hold up the rest. Safe for concurrent use.
class EventForwarder {
 public:
  struct Options {
    size_t batch_events_max = 1000;
    size_t queue_events_max = 20000;
    size_t calls_max = 4;
    absl::Duration linger = absl::Milliseconds(5);
  };
  using Done = std::function<void(absl::Status)>;

  // `sink` must outlive the forwarder.
  EventForwarder(DeliveryEventSink& sink, const Options& options);
  // Returns when every Done has run.
  ~EventForwarder();
  EventForwarder(const EventForwarder&) = delete;
  EventForwarder& operator=(const EventForwarder&) = delete;

  // Takes one request's events. `done` runs exactly once, perhaps on this thread, and must not
  // block: OK once all are durable; kInvalidArgument when the sink refuses some of them for good
  // and has the others; kResourceExhausted when the queue is full; else the sink's error.
  void Forward(std::vector<ReceivedEvent> events, Done done);

 private:
  class Submission;
  struct Item {
    ReceivedEvent event;
    std::shared_ptr<Submission> submission;
    absl::Time queued_at;
  };
  using Batch = std::vector<Item>;

  void Run();
  bool HasDueBatch(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time NextDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<Batch> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(const std::shared_ptr<Batch>& batch);
  void Settle(const std::shared_ptr<Batch>& batch, const absl::Status& status);

  // Constant after construction.
  DeliveryEventSink& sink_;
  const Options options_;

  absl::Mutex mutex_;
  absl::CondVar changed_ ABSL_GUARDED_BY(mutex_);
  std::deque<Item> queue_ ABSL_GUARDED_BY(mutex_);
  // Halves of batches that the sink refused: one bad event must not fail its neighbours.
  std::deque<std::shared_ptr<Batch>> halves_ ABSL_GUARDED_BY(mutex_);
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace herald::webhook
