#include "server/delivery/outcome_recorder.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace herald::delivery {
namespace {

constexpr size_t kBatchMax = 500;

absl::Duration SinceDue(const storage::LeasedEmail& email, absl::Time now) {
  return now - std::max(email.create_time, email.send_time.value_or(email.create_time));
}

}  // namespace

OutcomeRecorder::OutcomeRecorder(storage::QueueStore* store, DeliveryObserver* observer,
                                 Clock clock)
    : observer_(observer),
      clock_(std::move(clock)),
      loop_(kBatchMax,
            {.write =
                 [store](const std::vector<Item>& items) {
                   std::vector<storage::AttemptEnd> ends;
                   ends.reserve(items.size());
                   for (const Item& item : items) ends.push_back(item.end);
                   return store->RecordEnds(ends);
                 },
             .failed =
                 [observer](const absl::Status& status) {
                   observer->OnStorageError("record", status);
                 },
             .written = [this](const Item& item, bool recorded) { Report(item, recorded); },
             .finished = [](const Item& item) { item.recorded(); }}) {}

void OutcomeRecorder::Add(Item item) { loop_.Add(std::move(item)); }

void OutcomeRecorder::Report(const Item& item, bool recorded) {
  if (recorded) {
    observer_->OnRecorded(*item.email, item.end, SinceDue(*item.email, clock_()));
  } else {
    observer_->OnStale(*item.email);
  }
}

}  // namespace herald::delivery
