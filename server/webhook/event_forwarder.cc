#include "server/webhook/event_forwarder.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace herald::webhook {

// One request's events on their way through one or more batches.
class EventForwarder::Submission {
 public:
  Submission(size_t events, Done done) : left_(events), done_(std::move(done)) {}

  // Notes what became of `events` of them and answers the request after the last.
  void Settle(size_t events, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::Status verdict;
    {
      absl::MutexLock lock(&mutex_);
      // A failure that a retry can heal outweighs a refusal for good.
      if (!status.ok() && (verdict_.ok() || absl::IsInvalidArgument(verdict_))) verdict_ = status;
      left_ -= events;
      if (left_ > 0) return;
      verdict = verdict_;
    }
    done_(verdict);
  }

 private:
  absl::Mutex mutex_;
  size_t left_ ABSL_GUARDED_BY(mutex_);
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
  const Done done_;
};

EventForwarder::EventForwarder(DeliveryEventSink& sink, const Options& options)
    : sink_(sink), options_(options), thread_([this] { Run(); }) {}

EventForwarder::~EventForwarder() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void EventForwarder::Forward(std::vector<ReceivedEvent> events, Done done) {
  if (events.empty()) return done(absl::OkStatus());
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.size() + events.size() <= options_.queue_events_max) {
      const absl::Time now = absl::Now();
      auto submission = std::make_shared<Submission>(events.size(), std::move(done));
      for (ReceivedEvent& event : events) queue_.push_back({std::move(event), submission, now});
      changed_.Signal();
      return;
    }
  }
  done(absl::ResourceExhaustedError("too many events are waiting"));
}

void EventForwarder::Run() {
  while (true) {
    std::shared_ptr<Batch> batch;
    {
      absl::MutexLock lock(&mutex_);
      while (!HasDueBatch(absl::Now())) {
        if (stopping_ && queue_.empty() && halves_.empty() && calls_ == 0) return;
        changed_.WaitWithDeadline(&mutex_, NextDue());
      }
      batch = TakeBatch();
      ++calls_;
    }
    Send(batch);
  }
}

bool EventForwarder::HasDueBatch(absl::Time now) const {
  if (calls_ >= options_.calls_max) return false;
  if (!halves_.empty()) return true;
  if (queue_.empty()) return false;
  return calls_ == 0 || queue_.size() >= options_.batch_events_max ||
         now >= queue_.front().queued_at + options_.linger;
}

absl::Time EventForwarder::NextDue() const {
  // Without a free call or an event only a signal can change anything.
  if (queue_.empty() || calls_ >= options_.calls_max) return absl::InfiniteFuture();
  return queue_.front().queued_at + options_.linger;
}

std::shared_ptr<EventForwarder::Batch> EventForwarder::TakeBatch() {
  if (!halves_.empty()) {
    std::shared_ptr<Batch> half = std::move(halves_.front());
    halves_.pop_front();
    return half;
  }
  const auto count =
      static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.batch_events_max));
  auto batch = std::make_shared<Batch>(std::make_move_iterator(queue_.begin()),
                                       std::make_move_iterator(queue_.begin() + count));
  queue_.erase(queue_.begin(), queue_.begin() + count);
  return batch;
}

void EventForwarder::Send(const std::shared_ptr<Batch>& batch) {
  std::vector<ReceivedEvent> events;
  events.reserve(batch->size());
  for (const Item& item : *batch) events.push_back(item.event);
  sink_.Record(events, [this, batch](const absl::Status& status) { Settle(batch, status); });
}

void EventForwarder::Settle(const std::shared_ptr<Batch>& batch, const absl::Status& status) {
  const bool split = absl::IsInvalidArgument(status) && batch->size() > 1;
  if (!split) {
    for (Item& item : *batch) item.submission->Settle(1, status);
  }
  // Last, as the destructor waits for no more than the count of calls.
  absl::MutexLock lock(&mutex_);
  if (split) {
    const auto middle = batch->begin() + static_cast<std::ptrdiff_t>(batch->size() / 2);
    halves_.push_back(std::make_shared<Batch>(batch->begin(), middle));
    halves_.push_back(std::make_shared<Batch>(middle, batch->end()));
  }
  --calls_;
  changed_.Signal();
}

}  // namespace herald::webhook
