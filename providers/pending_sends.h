#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "providers/provider.h"

namespace herald::providers {

// The answers a provider still owes. It lets a provider be destroyed while a client that outlives
// it still carries its requests: whatever is open is answered at once, and the late answers fall on
// deaf ears. Thread-safe.
template <class Result>
class PendingAnswers {
 public:
  using Done = std::function<void(Result)>;

  PendingAnswers() : state_(std::make_shared<State>()) {}
  // Calls Abandon unless that was done.
  ~PendingAnswers() { Abandon(Result()); }

  // A callback to be given away in place of `done`. It may outlive this object; only its first
  // call before Abandon reaches `done`.
  Done Track(Done done) {
    absl::MutexLock lock(&state_->mu);
    const int64_t id = state_->next++;
    state_->open.emplace(id, std::move(done));
    return [state = state_, id](Result result) { Answer(*state, id, std::move(result)); };
  }

  // Answers everything open with `result` and returns after the last `done`. Must not be called
  // from within a `done`.
  void Abandon(const Result& result) {
    absl::flat_hash_map<int64_t, Done> open;
    {
      absl::MutexLock lock(&state_->mu);
      open.swap(state_->open);
    }
    for (const auto& [id, done] : open) done(result);
    absl::MutexLock lock(&state_->mu);
    const auto quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mu) {
      return state_->answering == 0;
    };
    state_->mu.Await(absl::Condition(&quiet));
  }

 private:
  struct State {
    absl::Mutex mu;
    absl::flat_hash_map<int64_t, Done> open ABSL_GUARDED_BY(mu);
    int64_t next ABSL_GUARDED_BY(mu) = 0;
    int answering ABSL_GUARDED_BY(mu) = 0;
  };

  static void Answer(State& state, int64_t id, Result result) {
    Done done;
    {
      absl::MutexLock lock(&state.mu);
      const auto found = state.open.find(id);
      if (found == state.open.end()) return;
      done = std::move(found->second);
      state.open.erase(found);
      ++state.answering;
    }
    done(std::move(result));
    done = nullptr;  // what it holds goes before Abandon returns
    absl::MutexLock lock(&state.mu);
    --state.answering;
  }

  const std::shared_ptr<State> state_;
};

using PendingSends = PendingAnswers<SendResult>;
// Nullopt: abandoned.
using PendingBatches = PendingAnswers<absl::optional<std::vector<SendResult>>>;

}  // namespace herald::providers
