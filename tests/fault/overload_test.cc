// Callers hand in three times what can be taken (T17).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr int kBatch = 1000;
constexpr int kBusyCallers = 6;  // they keep it busy and fit into what may wait (20,000)
constexpr int kCallers = 32;     // they do not
constexpr double kDemand = 3;    // times what is taken from the busy callers
// A call is answered as a whole, so a window has to hold several of each caller, and it takes the
// callers a while to fill or empty the line.
constexpr absl::Duration kSettling = absl::Seconds(3);
constexpr absl::Duration kWindow = absl::Seconds(4);
constexpr int kRounds = 2;
constexpr double kGoodput = 0.9;
constexpr absl::Duration kCallDeadline = absl::Seconds(60);

// Emails that become due for sending at a steady rate, whoever has time for them. Those of more
// than kPatience are given up unsent, else the demand would grow without end.
class Demand {
 public:
  // Emails a second from now on; none at first.
  void Set(double rate) {
    absl::MutexLock lock(&mutex_);
    rate_ = rate;
    since_ = absl::Now();
    due_ = 0;
  }
  // How many of `most` emails are due. They are taken out.
  int Take(int most) {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = absl::Now();
    due_ = std::min(due_ + rate_ * absl::ToDoubleSeconds(now - since_),
                    rate_ * absl::ToDoubleSeconds(kPatience));
    since_ = now;
    const int taken = std::min(most, static_cast<int>(due_));
    due_ -= taken;
    return taken;
  }

 private:
  static constexpr absl::Duration kPatience = absl::Seconds(2);

  absl::Mutex mutex_;
  double rate_ ABSL_GUARDED_BY(mutex_) = 0;
  double due_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time since_ ABSL_GUARDED_BY(mutex_);
};

// Callers of one tenant each, who hand in batch after batch and repeat what was shed as soon as
// they were told to. Only the first few of them are at work, as many as told.
class Crowd {
 public:
  explicit Crowd(const Stack& stack) {
    for (int i = 0; i < kCallers; ++i) {
      const Tenant& tenant = stack.tenants()[static_cast<size_t>(i) % 2];
      threads_.emplace_back([this, i, &stack, tenant] { Run(i, stack, tenant); });
    }
  }
  ~Crowd() { Finish(); }

  void SetAtWork(int callers) { at_work_ = callers; }
  Demand& demand() { return demand_; }
  // Ends once what was begun is acknowledged.
  void Finish() {
    finishing_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  int64_t taken() const { return taken_; }
  int64_t shed() const { return shed_; }
  absl::Duration longest_call() const {
    absl::MutexLock lock(&mutex_);
    return longest_call_;
  }
  // After Finish.
  std::vector<std::string> wrong() const {
    absl::MutexLock lock(&mutex_);
    return wrong_;
  }
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged() const {
    absl::MutexLock lock(&mutex_);
    return acknowledged_;
  }

 private:
  void Run(int number, const Stack& stack, const Tenant& tenant) {
    const client::Client client = stack.ConnectWithoutRetries(tenant);
    std::vector<std::string> keys;
    for (int next = 0; !finishing_ || !keys.empty();) {
      if (!finishing_ && number >= at_work_) {
        absl::SleepFor(absl::Milliseconds(20));
        continue;
      }
      const int more = finishing_ ? 0 : demand_.Take(kBatch - static_cast<int>(keys.size()));
      for (int i = 0; i < more; ++i) keys.push_back(absl::StrCat("order:", number, ":", next++));
      absl::SleepFor(keys.empty() ? absl::Milliseconds(20) : HandIn(client, tenant, keys));
    }
  }

  // Takes what was acknowledged out of `keys`; returns when to come again.
  absl::Duration HandIn(const client::Client& client, const Tenant& tenant,
                        std::vector<std::string>& keys) {
    std::vector<client::KeyedEmail> emails;
    for (const std::string& key : keys) {
      emails.push_back({*client::IdempotencyKey::Create(key), EmailOf(1, v1::LANE_BULK)});
    }
    client::CallOptions options;
    options.deadline = kCallDeadline;
    const absl::Time asked = absl::Now();
    const auto results = client.SendEmails(std::move(emails), options);
    absl::Duration wait;
    absl::MutexLock lock(&mutex_);
    if (!results.ok()) {
      Shed(results.status(), static_cast<int64_t>(keys.size()), &wait);
      return wait;
    }
    std::vector<std::string> left;
    for (size_t i = 0; i < keys.size(); ++i) {
      const absl::StatusOr<client::SendResult>& result = (*results)[i];
      if (result.ok()) {
        acknowledged_[{tenant.id, keys[i]}] = {result->email.id(), 1};
        ++taken_;
      } else {
        Shed(result.status(), 1, &wait);
        left.push_back(keys[i]);
      }
    }
    if (left.empty()) longest_call_ = std::max(longest_call_, absl::Now() - asked);
    keys = std::move(left);
    return wait;
  }

  void Shed(const absl::Status& status, int64_t emails, absl::Duration* wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    shed_ += emails;
    if (*wait > absl::ZeroDuration()) return;  // as the others of the call
    const client::ErrorDetails details = client::ExtractErrorDetails(status);
    if (!absl::IsResourceExhausted(status) || !details.retry_delay.has_value()) {
      if (wrong_.size() < 10) wrong_.push_back(status.ToString());
    }
    *wait = std::max(*wait, details.retry_delay.value_or(absl::Milliseconds(500)));
  }

  Demand demand_;
  std::atomic<int> at_work_{0};
  std::atomic<bool> finishing_{false};
  std::atomic<int64_t> taken_{0};
  std::atomic<int64_t> shed_{0};
  mutable absl::Mutex mutex_;
  absl::Duration longest_call_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> wrong_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

struct Rates {
  double taken = 0;  // emails a second
  double shed = 0;
};

Rates RatesWith(Crowd& crowd, int callers) {
  crowd.SetAtWork(callers);
  absl::SleepFor(kSettling);
  const int64_t taken = crowd.taken();
  const int64_t shed = crowd.shed();
  const absl::Time since = absl::Now();
  absl::SleepFor(kWindow);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - since);
  const Rates rates = {static_cast<double>(crowd.taken() - taken) / seconds,
                       static_cast<double>(crowd.shed() - shed) / seconds};
  std::cout << callers << " callers: taken " << rates.taken << "/s, shed " << rates.shed << "/s"
            << std::endl;
  return rates;
}

// The rate at which emails are taken from callers who hand in kDemand times that, divided by the
// rate without overload.
double Goodput(Crowd& crowd) {
  crowd.demand().Set(1e9);
  const Rates busy = RatesWith(crowd, kBusyCallers);
  crowd.demand().Set(kDemand * busy.taken);
  const Rates over = RatesWith(crowd, kCallers);
  EXPECT_GT(over.shed, 0) << "that was no overload";
  return over.taken / std::max(busy.taken, 1.0);
}

TEST(OverloadTest, ThreeTimesWhatCanBeTakenIsShedWithAHintAndTheRestIsTakenAsFastAsEver) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  // A slow disk, so that it and not the processors of this machine, which the callers compute on as
  // well, is what bounds the rate.
  for (const char* setting : {"commit_siblings = 0", "commit_delay = 100000"}) {
    stack->Query(absl::StrCat("ALTER SYSTEM SET ", setting));
  }
  stack->Query("SELECT pg_reload_conf()");
  Settings settings;
  settings.roles = "api";
  settings.acceptance_connections = 1;
  ASSERT_OK(stack->Start(settings));
  ASSERT_OK(stack->Provision());
  Crowd crowd(*stack);
  crowd.demand().Set(1e9);
  RatesWith(crowd, kBusyCallers);  // caches fill
  double goodput = 0;
  for (int round = 0; round < kRounds && goodput < kGoodput; ++round) {
    goodput = std::max(goodput, Goodput(crowd));
  }
  crowd.Finish();
  std::cout << "goodput " << goodput << " of that without overload; longest call "
            << crowd.longest_call() << std::endl;
  EXPECT_GE(goodput, kGoodput);
  EXPECT_THAT(crowd.wrong(), ::testing::IsEmpty()) << "shed otherwise than with a hint";
  EXPECT_LT(crowd.longest_call(), kCallDeadline / 2) << "what waits is bounded";
  ASSERT_EQ(stack->Terminate(absl::Seconds(20)), 0) << stack->process().Stderr();
  ExpectAccountedFor(*stack, {crowd.acknowledged(), {}, /*idempotent=*/true, /*unfinished=*/true});
}

}  // namespace
}  // namespace herald::fault
