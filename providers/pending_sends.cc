#include "providers/pending_sends.h"

namespace herald::providers {

PendingSends::PendingSends() : state_(std::make_shared<State>()) {}

PendingSends::~PendingSends() { Abandon(SendResult()); }

Provider::Done PendingSends::Track(Provider::Done done) {
  absl::MutexLock lock(&state_->mu);
  const int64_t id = state_->next++;
  state_->open.emplace(id, std::move(done));
  return [state = state_, id](SendResult result) { Answer(*state, id, std::move(result)); };
}

void PendingSends::Answer(State& state, int64_t id, SendResult result) {
  Provider::Done done;
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

void PendingSends::Abandon(const SendResult& result) {
  absl::flat_hash_map<int64_t, Provider::Done> open;
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

}  // namespace herald::providers
