#include "server/acceptance/group_committer.h"

#include <algorithm>
#include <utility>

#include "server/status/status_details.h"

namespace herald::acceptance {
namespace {

constexpr absl::Duration kOverloadRetryDelay = absl::Milliseconds(500);

absl::Status DeadlinePassed() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                   "the call's deadline passed before the email was committed; nothing was kept");
}

}  // namespace

GroupCommitter::GroupCommitter(storage::EmailStore* store, Options options, Clock clock)
    : store_(store), options_(std::move(options)), clock_(std::move(clock)) {
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

absl::Status GroupCommitter::CheckRoom(size_t count) const {
  if (stopping_) {
    return MakeError(absl::StatusCode::kUnavailable, "DRAINING", "this replica is stopping");
  }
  if (waiting_.size() + count > options_.queue_max) {
    return WithRetryDelay(
        MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                  "too many emails wait to be committed; send slower or to another replica"),
        kOverloadRetryDelay);
  }
  return absl::OkStatus();
}

void GroupCommitter::Run() {
  while (true) {
    Group group;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !waiting_.empty();
      };
      mutex_.Await(absl::Condition(&ready));
      if (waiting_.empty()) return;  // stopping, and everything is committed
      group = TakeGroup();
    }
    Commit(std::move(group));
  }
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
  for (Pending& late : group.late) late.done(std::move(late.email), DeadlinePassed());
  if (group.emails.empty()) return;
  absl::StatusOr<std::vector<storage::AcceptResult>> results = store_->AcceptEmails(group.emails);
  if (!results.ok()) {
    const absl::Status status = FromStorage(results.status());
    for (size_t i = 0; i < group.dones.size(); ++i) {
      group.dones[i](std::move(group.emails[i]), status);
    }
    return;
  }
  if (options_.on_commit) options_.on_commit(group.emails, *results);
  for (size_t i = 0; i < group.dones.size(); ++i) {
    group.dones[i](std::move(group.emails[i]), std::move((*results)[i]));
  }
}

}  // namespace herald::acceptance
