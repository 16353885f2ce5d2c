#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/acceptance/commit_pace.h"
#include "storage/email_store.h"

namespace herald::acceptance {

// Lets concurrent requests share one transaction: whoever waits while a commit runs goes into the
// next one, so that groups grow with load and a lone request waits for nobody. Another transaction
// runs beside those under way only when many wait, when some wait and no more come, or when these
// hang. Thread-safe.
class GroupCommitter {
 public:
  using Clock = std::function<absl::Time()>;
  // Gets the email back with what became of it.
  using Done = std::function<void(storage::NewEmail, absl::StatusOr<storage::AcceptResult>)>;
  struct Pending {
    storage::NewEmail email;
    absl::Time deadline;  // the caller no longer waits after it
    Done done;            // runs once, on a committing thread; must not block
  };
  struct Options {
    int threads = 3;  // each with a transaction of its own
    size_t group_max = 500;
    // So many must wait, for each transaction under way, for another to begin beside them. A
    // transaction costs PostgreSQL about a millisecond whatever its size, so that small groups side
    // by side are slower than one large one.
    size_t beside_min = 128;
    // So many need not wait for more when for `lull` none has come: their callers have all asked
    // and wait for answers, and a processor for work.
    size_t lull_min = 64;
    absl::Duration lull = absl::Microseconds(400);
    size_t queue_max = 20000;
    // Bytes of content. A group goes to the database as one message, several times as large: one of
    // attachments alone must not take minutes, or be refused for its size, with all that is in it.
    size_t group_bytes_max = size_t{16} << 20;
    size_t queue_bytes_max = size_t{256} << 20;
    // A commit that takes longer hangs: others no longer wait for it, whether more come or not.
    absl::Duration patience = absl::Milliseconds(100);
    // Spreads the retry delays of those refused together.
    CommitPace::Random random = [] { return 0.5; };
    // Sees each group after its commit: its emails' lanes, and how many they were.
    std::function<void(const std::vector<storage::NewEmail>& emails,
                       const std::vector<storage::AcceptResult>& results)>
        on_commit;
  };

  // `store` must outlive the committer.
  GroupCommitter(storage::EmailStore* store, Options options, Clock clock);
  // Commits what waits, then stops.
  ~GroupCommitter();

  // Takes one email. kResourceExhausted (OVERLOADED, with the delay of CommitPace) when too many
  // wait, and kUnavailable after the stop: then `done` does not run.
  absl::Status Submit(Pending pending);
  // Takes many at once, so that they share groups; all or none, errors as Submit.
  absl::Status SubmitAll(std::vector<Pending>& pending);
  // Whether so many would be taken now, errors as Submit: to be asked before the work that goes
  // into an email, which would be wasted on one that is refused.
  absl::Status HasRoom(size_t count) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Group {
    std::vector<storage::NewEmail> emails;
    std::vector<Done> dones;
    std::vector<Pending> late;
  };

  void Run();
  bool AwaitGroup(Group* group) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckRoom(size_t count) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many must wait for a group to begin beside those under way.
  size_t Enough() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(Pending pending) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Added(size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits until something happens, and takes lulls in which more came from `patience`. Whether what
  // waits should now do so no longer.
  bool AwaitMore(absl::Duration* patience) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Group TakeGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Commit(Group group);

  storage::EmailStore* const store_;
  const Options options_;
  const Clock clock_;

  mutable absl::Mutex mutex_;
  absl::CondVar added_;  // see Added; also the stop
  std::deque<Pending> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of their contents
  uint64_t added_ever_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t groups_ever_ ABSL_GUARDED_BY(mutex_) = 0;
  int committing_ ABSL_GUARDED_BY(mutex_) = 0;
  CommitPace pace_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;  // constant after construction
};

}  // namespace herald::acceptance
