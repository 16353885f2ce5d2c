#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "providers/provider.h"

namespace herald::delivery {

// Hands members of begun chunks over, one request each. An account has at most so many of them
// under way, one chunk after the other, so that its other connections are left to other lanes.
//
// Members are not begun any more once the account says that it takes nothing (429, provider down:
// for all chunks that wait for it), is not to be used, the chunk's time is over, or Stop. They
// answer kRetryable, `throttled` (no fault of theirs) and "not_begun". Thread-safe, never blocks.
class MemberHandOver {
 public:
  struct Chunk {
    providers::Provider* provider = nullptr;
    std::vector<std::unique_ptr<providers::PreparedMessage>> members;
    // Whether the account takes another member now; asked before each but the first.
    std::function<bool()> admits;
    absl::Time begin_before;  // by SteadyNow
    // Once, one result for each member; on a thread of the provider's or within Add or Stop.
    std::function<void(std::vector<providers::SendResult>)> done;
  };

  MemberHandOver(int at_once, absl::Duration timeout) : at_once_(at_once), timeout_(timeout) {}

  void Add(Chunk chunk) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on no member is begun.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Running {
    Chunk chunk;
    std::vector<providers::SendResult> results;
    size_t begun = 0;
    int open = 1;  // requests under way, and one for as long as it stands in the line
    bool halted = false;
    absl::optional<absl::Duration> retry_after;  // asked for when it was halted
  };
  using RunningPtr = std::shared_ptr<Running>;
  // Of one account.
  struct Line {
    std::deque<RunningPtr> waiting;
    int under_way = 0;
    bool pumped = false;  // a thread is in Pump and will see every change
  };
  struct Step {
    RunningPtr chunk;  // nullptr: nothing can be done now
    bool leaves = false;
  };

  void Pump(Line& line) ABSL_LOCKS_EXCLUDED(mutex_);
  Step Next(Line& line) ABSL_LOCKS_EXCLUDED(mutex_);
  void Begin(Line& line, const RunningPtr& chunk) ABSL_LOCKS_EXCLUDED(mutex_);
  void End(Line& line, const RunningPtr& chunk, size_t member, providers::SendResult result)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Close(const RunningPtr& chunk) ABSL_LOCKS_EXCLUDED(mutex_);

  const int at_once_;
  const absl::Duration timeout_;

  absl::Mutex mutex_;
  std::map<const providers::Provider*, Line> lines_ ABSL_GUARDED_BY(mutex_);  // never shrinks
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace herald::delivery
