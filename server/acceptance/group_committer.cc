#include "server/acceptance/group_committer.h"

#include <algorithm>
#include <utility>

#include "server/status/status_details.h"

namespace herald::acceptance {
namespace {

absl::Status DeadlinePassed() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                   "the call's deadline passed before the email was committed; nothing was kept");
}

}  // namespace

GroupCommitter::GroupCommitter(storage::EmailStore* store, Options options, Clock clock)
    : store_(store),
      options_(std::move(options)),
      clock_(std::move(clock)),
      pace_(options_.random) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

GroupCommitter::~GroupCommitter() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    added_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status GroupCommitter::Submit(Pending pending) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckRoom(1); !status.ok()) return status;
  Enqueue(std::move(pending));
  Added(1);
  return absl::OkStatus();
}

absl::Status GroupCommitter::SubmitAll(std::vector<Pending>& pending) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckRoom(pending.size()); !status.ok()) return status;
  for (Pending& one : pending) Enqueue(std::move(one));
  if (!pending.empty()) Added(pending.size());
  return absl::OkStatus();
}

absl::Status GroupCommitter::HasRoom(size_t count) const {
  absl::MutexLock lock(&mutex_);
  return CheckRoom(count);
}

absl::Status GroupCommitter::CheckRoom(size_t count) const {
  if (stopping_) {
    return MakeError(absl::StatusCode::kUnavailable, "DRAINING", "this replica is stopping");
  }
  if (waiting_.size() + count > options_.queue_max || waiting_bytes_ >= options_.queue_bytes_max) {
    return WithRetryDelay(
        MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                  "too many emails wait to be committed; send slower or to another replica"),
        pace_.ComeAgainIn(waiting_.size(), clock_()));
  }
  return absl::OkStatus();
}

void GroupCommitter::Enqueue(Pending pending) {
  waiting_bytes_ += pending.email.content.size();
  waiting_.push_back(std::move(pending));
}

void GroupCommitter::Run() {
  Group group;
  while (AwaitGroup(&group)) Commit(std::move(group));
}

size_t GroupCommitter::Enough() const {
  return std::max(size_t{1}, options_.beside_min * static_cast<size_t>(committing_));
}

// One thread is told when something begins to wait, so that its patience runs, one when a lull
// would be enough, and one when a group can begin. Not every time something is added: that would
// wake a thread for each email.
void GroupCommitter::Added(size_t count) {
  added_ever_ += count;
  const size_t before = waiting_.size() - count;
  const auto reaches = [&](size_t mark) { return before < mark && waiting_.size() >= mark; };
  if (before == 0 || reaches(options_.lull_min) || reaches(Enough())) added_.Signal();
}

bool GroupCommitter::AwaitMore(absl::Duration* patience) {
  if (waiting_.empty()) {
    added_.Wait(&mutex_);
    return false;
  }
  if (waiting_.size() < options_.lull_min) {
    return added_.WaitWithTimeout(&mutex_, *patience);
  }
  const uint64_t before = added_ever_;
  if (!added_.WaitWithTimeout(&mutex_, options_.lull)) return false;
  *patience -= options_.lull;
  return added_ever_ == before || *patience <= absl::ZeroDuration();
}

// False when stopping, and everything is committed.
bool GroupCommitter::AwaitGroup(Group* group) {
  absl::MutexLock lock(&mutex_);
  bool waited = false;
  absl::Duration patience = options_.patience;
  uint64_t groups = groups_ever_;
  while (!stopping_ && (waiting_.empty() || (!waited && waiting_.size() < Enough()))) {
    waited = AwaitMore(&patience);
    if (std::exchange(groups, groups_ever_) != groups_ever_) patience = options_.patience;
  }
  if (waiting_.empty()) return false;
  *group = TakeGroup();
  ++committing_;
  if (!waiting_.empty()) added_.Signal();
  return true;
}

GroupCommitter::Group GroupCommitter::TakeGroup() {
  const absl::Time now = clock_();
  ++groups_ever_;
  Group group;
  group.emails.reserve(std::min(waiting_.size(), options_.group_max));
  group.dones.reserve(group.emails.capacity());
  size_t bytes = 0;
  while (!waiting_.empty() && group.emails.size() < options_.group_max) {
    Pending& pending = waiting_.front();
    const size_t size = pending.email.content.size();
    const bool late = pending.deadline <= now;
    if (!late && bytes + size > options_.group_bytes_max && !group.emails.empty()) break;
    waiting_bytes_ -= size;
    if (late) {
      group.late.push_back(std::move(pending));
    } else {
      bytes += size;
      group.emails.push_back(std::move(pending.email));
      group.dones.push_back(std::move(pending.done));
    }
    waiting_.pop_front();
  }
  return group;
}

void GroupCommitter::Commit(Group group) {
  absl::StatusOr<std::vector<storage::AcceptResult>> results =
      group.emails.empty() ? std::vector<storage::AcceptResult>()
                           : store_->AcceptEmails(group.emails);
  {
    absl::MutexLock lock(&mutex_);
    --committing_;  // the next group need not wait for the answers to this one
    if (waiting_.size() >= Enough()) added_.Signal();
    if (results.ok()) pace_.Committed(results->size(), clock_());
  }
  for (Pending& late : group.late) late.done(std::move(late.email), DeadlinePassed());
  if (!results.ok()) {
    const absl::Status status = FromStorage(results.status());
    for (size_t i = 0; i < group.dones.size(); ++i) {
      group.dones[i](std::move(group.emails[i]), status);
    }
    return;
  }
  if (options_.on_commit && !group.emails.empty()) options_.on_commit(group.emails, *results);
  for (size_t i = 0; i < group.dones.size(); ++i) {
    group.dones[i](std::move(group.emails[i]), std::move((*results)[i]));
  }
}

}  // namespace herald::acceptance
