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
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status GroupCommitter::Submit(Pending pending) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckRoom(1); !status.ok()) return status;
  waiting_.push_back(std::move(pending));
  return absl::OkStatus();
}

absl::Status GroupCommitter::SubmitAll(std::vector<Pending>& pending) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = CheckRoom(pending.size()); !status.ok()) return status;
  for (Pending& one : pending) waiting_.push_back(std::move(one));
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
  if (waiting_.size() + count > options_.queue_max) {
    return WithRetryDelay(
        MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                  "too many emails wait to be committed; send slower or to another replica"),
        pace_.ComeAgainIn(waiting_.size(), clock_()));
  }
  return absl::OkStatus();
}

void GroupCommitter::Run() {
  Group group;
  while (AwaitGroup(&group)) Commit(std::move(group));
}

// False when stopping, and everything is committed.
bool GroupCommitter::AwaitGroup(Group* group) {
  absl::MutexLock lock(&mutex_);
  const auto waited = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  };
  const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || (!waiting_.empty() &&
                         waiting_.size() >= options_.beside_min * static_cast<size_t>(committing_));
  };
  do {
    mutex_.Await(absl::Condition(&waited));
    mutex_.AwaitWithTimeout(absl::Condition(&due), options_.patience);
  } while (waiting_.empty() && !stopping_);
  if (waiting_.empty()) return false;
  *group = TakeGroup();
  ++committing_;
  return true;
}

GroupCommitter::Group GroupCommitter::TakeGroup() {
  const absl::Time now = clock_();
  Group group;
  group.emails.reserve(std::min(waiting_.size(), options_.group_max));
  group.dones.reserve(group.emails.capacity());
  while (!waiting_.empty() && group.emails.size() < options_.group_max) {
    Pending pending = std::move(waiting_.front());
    waiting_.pop_front();
    if (pending.deadline <= now) {
      group.late.push_back(std::move(pending));
      continue;
    }
    group.emails.push_back(std::move(pending.email));
    group.dones.push_back(std::move(pending.done));
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
