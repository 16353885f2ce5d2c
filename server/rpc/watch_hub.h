#pragma once

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "herald/v1/email_service.pb.h"
#include "server/rpc/executor.h"
#include "server/rpc/page_token.h"
#include "server/rpc/server_options.h"
#include "storage/email_store.h"

namespace herald::rpc {

// The receiving end of one watch. The hub calls it on executor threads, never under its own lock.
class Watcher {
 public:
  using Message = std::shared_ptr<const v1::WatchEmailEventsResponse>;

  virtual ~Watcher() = default;
  // Whether it may still read: asked before every read, so that a revoked token ends its watch. May
  // block.
  virtual absl::Status Check() = 0;
  // Takes one message; WatchHub::Ready says that there is room for the next.
  virtual void Deliver(Message message) = 0;
  // Nothing follows.
  virtual void End(const absl::Status& status) = 0;
};

// UNAVAILABLE, OVERLOADED: clients resume, and may find another replica.
absl::Status TooManyWatches();

// Feeds all watches from one polling thread: an idle watch holds no thread. Watches of one tenant
// that stand at the same place share their reads. Thread-safe.
class WatchHub {
 public:
  using Key = uint64_t;

  // The references outlive the hub.
  WatchHub(storage::EmailStore& emails, Executor& executor, const PageTokens& tokens,
           WatchOptions options);
  ~WatchHub();

  // nullopt cursor: from the present end. UNAVAILABLE: too many streams, or the server drains; then
  // the watcher is not called.
  absl::StatusOr<Key> Add(std::shared_ptr<Watcher> watcher, TenantId tenant,
                          absl::optional<storage::FeedCursor> cursor);
  void Ready(Key key);
  void Remove(Key key);
  // Ends every watch with UNAVAILABLE and takes no more. Safe to repeat.
  void Stop();

  // INVALID_ARGUMENT for a cursor that was not made for this tenant. Empty: the beginning.
  absl::StatusOr<storage::FeedCursor> ParseCursor(TenantId tenant, absl::string_view text) const;
  std::string FormatCursor(TenantId tenant, const storage::FeedCursor& cursor) const;

 private:
  struct Entry {
    std::shared_ptr<Watcher> watcher;
    TenantId tenant;
    absl::optional<storage::FeedCursor> cursor;
    bool busy = false;  // being read for, or writing
    absl::Duration interval;
    absl::Time poll_at;  // by SteadyNow, as is last_message
    absl::Time last_message = absl::InfinitePast();
  };
  // Watches that share a read.
  struct Group {
    TenantId tenant;
    absl::optional<storage::FeedCursor> cursor;
    std::vector<Key> keys;
  };

  void Poll();
  std::vector<Group> TakeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Time NextPoll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Read(Group group);
  // Ends those that may no longer read, and takes them out of the group.
  void Recheck(Group& group);
  void Hand(const Group& group, const storage::FeedPage& page);
  void Fail(const Group& group, const absl::Status& status);
  void Release(const std::vector<Key>& keys);

  storage::EmailStore& emails_;
  Executor& executor_;
  const PageTokens& tokens_;
  const WatchOptions options_;

  absl::Mutex mu_;
  std::map<Key, Entry> entries_ ABSL_GUARDED_BY(mu_);
  Key next_key_ ABSL_GUARDED_BY(mu_) = 1;
  bool changed_ ABSL_GUARDED_BY(mu_) = false;  // wakes the thread
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace herald::rpc
