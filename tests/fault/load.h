#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/fault/fault_harness.h"

namespace herald::fault {

// An email that Herald said it has taken.
struct Acknowledged {
  std::string id;
  int content = 0;
};

struct LoadOptions {
  int callers = 8;  // spread over the stack's tenants
  int emails_per_call = 10;
  uint64_t seed = 1;
};

// Callers that send without a pause, each key until it is acknowledged: after a failed call the
// same keys go again, in other calls and with other deadlines. Now and then a caller repeats an
// acknowledged key, with the same content or with another. Runs from construction to Finish.
class Load {
 public:
  Load(const Stack& stack, const LoadOptions& options);
  // Finish without patience.
  ~Load();

  // Begins no further keys and waits until the begun ones are acknowledged. False: some were not
  // within `patience`.
  bool Finish(absl::Duration patience);

  // Waits for the next acknowledgement: callers are through again. False: none in `timeout`.
  bool AwaitProgress(absl::Duration timeout) const;

  // Emails acknowledged so far, repetitions not counted.
  int64_t acknowledged_count() const { return acknowledged_count_; }

  // By tenant id and key. After Finish.
  const std::map<std::pair<std::string, std::string>, Acknowledged>& acknowledged() const;
  // What no caller may ever see, in words: another id for a key, a key taken for other content, a
  // code other than "try again". After Finish.
  const std::vector<std::string>& violations() const;
  // Answers UNAVAILABLE that heraldd itself gave, all of them with RetryInfo.
  int64_t refusals() const { return refusals_; }
  int64_t replays() const { return replays_; }
  int64_t conflicts() const { return conflicts_; }

 private:
  struct Item {
    std::string key;
    int content = 0;
  };
  // One thread's own.
  struct Caller {
    const Tenant* tenant = nullptr;
    client::Client* client = nullptr;
    std::string name;
    std::mt19937_64 random;
    int64_t next = 0;
    std::vector<Item> known;  // some acknowledged ones
  };

  void Run(Caller caller);
  // Sends until every item is acknowledged or patience ends.
  void Settle(Caller& caller, std::vector<Item> items);
  // One call; takes what was acknowledged out of `items`.
  void SendOnce(Caller& caller, std::vector<Item>& items);
  // True when the item needs no further call.
  bool Take(Caller& caller, const Item& item, const absl::StatusOr<client::SendResult>& result);
  // Repeats a known key: the same email again, or a conflict.
  void Probe(Caller& caller);
  // Whether a failed call may be repeated; notes what may not be.
  bool Repeatable(const absl::Status& status);
  void Violation(std::string what) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Patient() const;

  const LoadOptions options_;
  std::vector<client::Client> clients_;

  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> give_up_micros_;
  std::atomic<int64_t> acknowledged_count_{0};
  std::atomic<int64_t> refusals_{0};
  std::atomic<int64_t> replays_{0};
  std::atomic<int64_t> conflicts_{0};
  std::atomic<int64_t> unsettled_{0};

  mutable absl::Mutex mutex_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> violations_ ABSL_GUARDED_BY(mutex_);

  std::vector<std::thread> threads_;
};

}  // namespace herald::fault
