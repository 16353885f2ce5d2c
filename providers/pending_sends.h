#pragma once

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "providers/provider.h"

namespace herald::providers {

// The hand-overs a provider still owes an answer for. It lets a provider be destroyed while a
// client that outlives it still carries its requests: whatever is open is answered at once, and
// the late answers fall on deaf ears. Thread-safe.
class PendingSends {
 public:
  PendingSends();
  // Calls Abandon unless that was done.
  ~PendingSends();

  // A callback to be given away in place of `done`. It may outlive this object; only its first
  // call before Abandon reaches `done`.
  Provider::Done Track(Provider::Done done);

  // Answers everything open with `result` and returns after the last `done`. Must not be called
  // from within a `done`.
  void Abandon(const SendResult& result);

 private:
  struct State {
    absl::Mutex mu;
    absl::flat_hash_map<int64_t, Provider::Done> open ABSL_GUARDED_BY(mu);
    int64_t next ABSL_GUARDED_BY(mu) = 0;
    int answering ABSL_GUARDED_BY(mu) = 0;
  };
  static void Answer(State& state, int64_t id, SendResult result);

  const std::shared_ptr<State> state_;
};

}  // namespace herald::providers
