#include "server/acceptance/group_committer.h"

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "server/status/status_details.h"
#include "tests/support/unasked_email_store.h"

namespace herald::acceptance {
namespace {

using storage::AcceptResult;

// Accepts everything, one group at a time, and can be held.
class HeldStore final : public support::UnaskedEmailStore {
 public:
  absl::StatusOr<std::vector<AcceptResult>> AcceptEmails(
      absl::Span<const storage::NewEmail> emails) override {
    absl::MutexLock lock(&mutex_);
    groups_.push_back(emails.size());
    const auto open = [this] { return !held_; };
    mutex_.Await(absl::Condition(&open));
    if (!status_.ok()) return status_;
    std::vector<AcceptResult> results(emails.size());
    for (AcceptResult& result : results) result.kind = AcceptResult::Kind::kAccepted;
    return results;
  }
  void Hold(bool held) {
    absl::MutexLock lock(&mutex_);
    held_ = held;
  }
  void Fail(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    status_ = std::move(status);
  }
  void AwaitGroups(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&] { return groups_.size() >= count; };
    mutex_.Await(absl::Condition(&enough));
  }
  std::vector<size_t> groups() {
    absl::MutexLock lock(&mutex_);
    return groups_;
  }

 private:
  absl::Mutex mutex_;
  bool held_ = false;
  absl::Status status_;
  std::vector<size_t> groups_;
};

struct Answer {
  absl::Notification done;
  absl::StatusOr<AcceptResult> result = absl::UnknownError("none");
};

GroupCommitter::Pending Email(Answer* answer, absl::Time deadline = absl::InfiniteFuture()) {
  return {{}, deadline, [answer](storage::NewEmail, absl::StatusOr<AcceptResult> result) {
            answer->result = std::move(result);
            answer->done.Notify();
          }};
}

GroupCommitter::Options OneThread() {
  GroupCommitter::Options options;
  options.threads = 1;
  return options;
}

GroupCommitter::Pending EmailOf(size_t bytes, Answer* answer) {
  GroupCommitter::Pending pending = Email(answer);
  pending.email.content = std::string(bytes, 'x');
  return pending;
}

TEST(GroupCommitter, PutsNoMoreContentIntoAGroupThanMayGoTogether) {
  HeldStore store;
  store.Hold(true);
  std::vector<Answer> answers(7);
  GroupCommitter::Options options = OneThread();
  options.group_bytes_max = 1000;
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(EmailOf(1, &answers[0])).ok());
  store.AwaitGroups(1);
  // The fifth is larger than a group may be, and goes alone.
  const size_t sizes[] = {400, 600, 1, 999, 5000, 10};
  for (size_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(committer.Submit(EmailOf(sizes[i], &answers[i + 1])).ok());
  }
  store.Hold(false);
  for (Answer& answer : answers) {
    answer.done.WaitForNotification();
    EXPECT_TRUE(answer.result.ok());
  }
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 2, 2, 1, 1}));
}

TEST(GroupCommitter, RefusesMoreContentThanMayWaitUntilSomeIsCommitted) {
  HeldStore store;
  store.Hold(true);
  std::vector<Answer> answers(5);
  GroupCommitter::Options options = OneThread();
  options.queue_bytes_max = 1000;
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(EmailOf(5000, &answers[0])).ok());
  store.AwaitGroups(1);
  ASSERT_TRUE(committer.Submit(EmailOf(999, &answers[1])).ok()) << "the first waits no more";
  ASSERT_TRUE(committer.Submit(EmailOf(1, &answers[2])).ok());
  EXPECT_EQ(ErrorReason(committer.HasRoom(1)), "OVERLOADED");
  EXPECT_EQ(ErrorReason(committer.Submit(EmailOf(1, &answers[3]))), "OVERLOADED");
  store.Hold(false);
  answers[2].done.WaitForNotification();
  ASSERT_TRUE(committer.Submit(EmailOf(1, &answers[4])).ok());
  answers[4].done.WaitForNotification();
  EXPECT_TRUE(answers[4].result.ok());
}

TEST(GroupCommitter, PutsWhatWaitsIntoTheNextGroup) {
  HeldStore store;
  store.Hold(true);
  std::vector<Answer> answers(10);
  GroupCommitter committer(&store, OneThread(), absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answers[0])).ok());
  store.AwaitGroups(1);
  for (size_t i = 1; i < answers.size(); ++i) {
    ASSERT_TRUE(committer.Submit(Email(&answers[i])).ok());
  }
  store.Hold(false);
  for (Answer& answer : answers) {
    answer.done.WaitForNotification();
    EXPECT_TRUE(answer.result.ok());
  }
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 9}));
}

TEST(GroupCommitter, RunsATransactionBesideAnotherOnlyForMany) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 2;
  options.beside_min = 3;
  options.patience = absl::InfiniteDuration();
  std::vector<Answer> answers(4);
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answers[0])).ok());
  store.AwaitGroups(1);
  for (size_t i = 1; i < answers.size(); ++i) {
    ASSERT_TRUE(committer.Submit(Email(&answers[i])).ok());
  }
  store.AwaitGroups(2);  // while the first is held
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 3}));
}

TEST(GroupCommitter, AsksForMoreTheMoreAreUnderWay) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 3;
  options.beside_min = 2;
  options.patience = absl::InfiniteDuration();
  std::vector<Answer> answers(7);
  GroupCommitter committer(&store, options, absl::Now);
  size_t next = 0;
  const auto submit = [&](size_t count) {
    for (const size_t end = next + count; next < end; ++next) {
      ASSERT_TRUE(committer.Submit(Email(&answers[next])).ok());
    }
  };
  submit(1);
  store.AwaitGroups(1);
  submit(2);
  store.AwaitGroups(2);
  submit(4);
  store.AwaitGroups(3);
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 2, 4}));
}

TEST(GroupCommitter, DoesNotWaitForATransactionThatHangs) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 2;
  options.patience = absl::Milliseconds(5);
  std::vector<Answer> answers(2);
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answers[0])).ok());
  store.AwaitGroups(1);
  ASSERT_TRUE(committer.Submit(Email(&answers[1])).ok());
  store.AwaitGroups(2);  // while the first is held
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 1}));
}

TEST(GroupCommitter, BeginsBesideAnotherWhenSomeWaitAndNoMoreCome) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 2;
  options.beside_min = 100;
  options.lull_min = 3;
  options.patience = absl::InfiniteDuration();
  std::vector<Answer> answers(4);
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answers[0])).ok());
  store.AwaitGroups(1);
  for (size_t i = 1; i < answers.size(); ++i) {
    ASSERT_TRUE(committer.Submit(Email(&answers[i])).ok());
  }
  store.AwaitGroups(2);  // while the first is held
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 3}))
      << "fewer wait for the first, however long";
}

TEST(GroupCommitter, WaitsWhileMoreCome) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 2;
  options.beside_min = 40;
  options.lull_min = 2;
  options.lull = absl::InfiniteDuration();  // always something more within it
  options.patience = absl::InfiniteDuration();
  std::vector<Answer> answers(41);
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answers[0])).ok());
  store.AwaitGroups(1);
  for (size_t i = 1; i < answers.size(); ++i) {
    ASSERT_TRUE(committer.Submit(Email(&answers[i])).ok());
  }
  store.AwaitGroups(2);  // while the first is held
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 40}));
}

TEST(GroupCommitter, LosesPatienceWithATransactionThatHangsWhileMoreCome) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 2;
  options.beside_min = options.group_max = options.queue_max = 1'000'000;
  options.lull_min = 1;
  options.lull = absl::Milliseconds(2);
  options.patience = absl::Milliseconds(10);
  Answer first;
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&first)).ok());
  store.AwaitGroups(1);
  size_t came = 0;
  while (store.groups().size() == 1 && came + 1 < options.beside_min) {
    ASSERT_TRUE(committer.Submit({{}, absl::InfiniteFuture(), [](auto, auto) {}}).ok());
    ++came;
  }
  EXPECT_LT(came + 1, options.beside_min) << "they waited until it did not matter any more";
  store.Hold(false);
  first.done.WaitForNotification();
}

TEST(GroupCommitter, BeginsTheNextGroupBeforeTheAnswersToTheLast) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options;
  options.threads = 2;
  options.patience = absl::InfiniteDuration();
  Answer first, second;
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer
                  .Submit({{},
                           absl::InfiniteFuture(),
                           [&](storage::NewEmail, absl::StatusOr<AcceptResult> result) {
                             second.done.WaitForNotification();
                             first.result = std::move(result);
                             first.done.Notify();
                           }})
                  .ok());
  store.AwaitGroups(1);
  ASSERT_TRUE(committer.Submit(Email(&second)).ok());
  store.Hold(false);
  first.done.WaitForNotification();
  EXPECT_TRUE(first.result.ok() && second.result.ok());
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 1}));
}

TEST(GroupCommitter, BoundsTheGroupAndTheQueue) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options = OneThread();
  options.group_max = 3;
  options.queue_max = 5;
  std::vector<Answer> answers(6);
  Answer refused;
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answers[0])).ok());
  store.AwaitGroups(1);
  for (size_t i = 1; i < answers.size(); ++i) {
    ASSERT_TRUE(committer.Submit(Email(&answers[i])).ok());
  }
  const absl::Status status = committer.Submit(Email(&refused));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "OVERLOADED");
  EXPECT_EQ(committer.HasRoom(1), status) << "and it says so beforehand";
  EXPECT_TRUE(RetryDelay(status).has_value());
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_FALSE(refused.done.HasBeenNotified());
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 3, 2}));
}

TEST(GroupCommitter, TakesManyTogetherOrNotAtAll) {
  HeldStore store;
  store.Hold(true);
  GroupCommitter::Options options = OneThread();
  options.queue_max = 4;
  std::vector<Answer> answers(4);
  Answer first;
  GroupCommitter committer(&store, options, absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&first)).ok());
  store.AwaitGroups(1);
  std::vector<GroupCommitter::Pending> many;
  for (Answer& answer : answers) many.push_back(Email(&answer));
  Answer surplus;
  many.push_back(Email(&surplus));
  EXPECT_EQ(committer.SubmitAll(many).code(), absl::StatusCode::kResourceExhausted);
  many.pop_back();
  ASSERT_TRUE(committer.SubmitAll(many).ok());
  store.Hold(false);
  for (Answer& answer : answers) answer.done.WaitForNotification();
  EXPECT_FALSE(surplus.done.HasBeenNotified());
  EXPECT_EQ(store.groups(), (std::vector<size_t>{1, 4}));
}

TEST(GroupCommitter, KeepsNothingForACallerWhoNoLongerWaits) {
  HeldStore store;
  Answer late;
  GroupCommitter committer(&store, OneThread(), absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&late, absl::Now() - absl::Seconds(1))).ok());
  late.done.WaitForNotification();
  EXPECT_EQ(late.result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(store.groups().empty());
}

TEST(GroupCommitter, TellsEveryoneThatTheDatabaseIsAway) {
  HeldStore store;
  store.Fail(absl::UnavailableError("connection refused"));
  Answer answer;
  GroupCommitter committer(&store, OneThread(), absl::Now);
  ASSERT_TRUE(committer.Submit(Email(&answer)).ok());
  answer.done.WaitForNotification();
  EXPECT_EQ(ErrorReason(answer.result.status()), "STORAGE_UNAVAILABLE");
}

TEST(GroupCommitter, CommitsWhatWaitsBeforeItStops) {
  HeldStore store;
  store.Hold(true);
  std::vector<Answer> answers(4);
  {
    GroupCommitter committer(&store, OneThread(), absl::Now);
    for (Answer& answer : answers) ASSERT_TRUE(committer.Submit(Email(&answer)).ok());
    store.Hold(false);
  }
  for (Answer& answer : answers) EXPECT_TRUE(answer.result.ok());
}

}  // namespace
}  // namespace herald::acceptance
