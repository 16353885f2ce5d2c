#include "server/delivery/outcome_recorder.h"

#include <algorithm>
#include <utility>

#include "server/delivery/failpoint.h"

namespace herald::delivery {
namespace {

constexpr size_t kBatchMax = 500;
constexpr absl::Duration kRetryMin = absl::Milliseconds(50);
constexpr absl::Duration kRetryMax = absl::Seconds(2);
constexpr absl::Duration kShutdownPatience = absl::Seconds(5);

absl::Duration SinceDue(const storage::LeasedEmail& email, absl::Time now) {
  return now - std::max(email.create_time, email.send_time.value_or(email.create_time));
}

}  // namespace

OutcomeRecorder::OutcomeRecorder(storage::QueueStore* store, DeliveryObserver* observer,
                                 Clock clock)
    : store_(store), observer_(observer), clock_(std::move(clock)), thread_([this] { Run(); }) {}

OutcomeRecorder::~OutcomeRecorder() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    give_up_ = absl::Now() + kShutdownPatience;
  }
  thread_.join();
}

void OutcomeRecorder::Add(Item item) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(std::move(item));
}

void OutcomeRecorder::Run() {
  while (true) {
    std::vector<Item> batch;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !waiting_.empty();
      };
      mutex_.Await(absl::Condition(&ready));
      if (waiting_.empty()) return;
      while (!waiting_.empty() && batch.size() < kBatchMax) {
        batch.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    Record(batch);
    for (const Item& item : batch) item.recorded();
  }
}

void OutcomeRecorder::Record(const std::vector<Item>& batch) {
  std::vector<storage::AttemptEnd> ends;
  ends.reserve(batch.size());
  for (const Item& item : batch) ends.push_back(item.end);
  for (absl::Duration wait = kRetryMin;; wait = std::min(wait * 2, kRetryMax)) {
    Pass(Failpoint::kBeforeRecord);
    absl::StatusOr<std::vector<bool>> live = store_->RecordEnds(ends);
    if (live.ok()) {
      for (size_t i = 0; i < batch.size(); ++i) Report(batch[i], (*live)[i]);
      return;
    }
    observer_->OnStorageError("record", live.status());
    absl::MutexLock lock(&mutex_);
    const auto hurried = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
    if (!hurried()) {
      mutex_.AwaitWithTimeout(absl::Condition(&hurried), wait);
    } else if (absl::Now() >= give_up_) {
      return;
    } else {
      const auto never = [] { return false; };
      mutex_.AwaitWithTimeout(absl::Condition(&never), kRetryMin);
    }
  }
}

void OutcomeRecorder::Report(const Item& item, bool recorded) {
  if (recorded) {
    observer_->OnRecorded(*item.email, item.end, SinceDue(*item.email, clock_()));
  } else {
    observer_->OnStale(*item.email);
  }
}

}  // namespace herald::delivery
