#include "server/rpc/last_answers.h"

#include <utility>
#include <vector>

namespace herald::rpc {

void LastAnswers::Start() {
  thread_ = std::thread([this] { ReleaseTheQuiet(); });
  holds_ = true;
}

void LastAnswers::Hold(const std::string& connection, Answer answer) {
  {
    absl::MutexLock lock(&mu_);
    if (holds_ && !stopping_) {
      Held& last = held_[connection];
      std::swap(last.answer, answer);
      last.rounds = 0;
    }
  }
  if (answer != nullptr) answer();
}

void LastAnswers::Stop() {
  std::map<std::string, Held> held;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    held.swap(held_);
  }
  for (auto& [connection, last] : held) last.answer();
  if (thread_.joinable()) thread_.join();
}

void LastAnswers::ReleaseTheQuiet() {
  while (true) {
    std::vector<Answer> quiet;
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), round_)) return;
      for (auto it = held_.begin(); it != held_.end();) {
        const bool released = it->second.rounds++ == kQuietRounds;
        if (released) quiet.push_back(std::move(it->second.answer));
        it = released ? held_.erase(it) : std::next(it);
      }
    }
    for (Answer& answer : quiet) answer();
  }
}

}  // namespace herald::rpc
