#include "tests/fault/load.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace herald::fault {
namespace {

constexpr size_t kKnownMax = 200;
constexpr size_t kViolationsMax = 20;
// A process that restarts every second must not find its callers still waiting.
const client::RetryPolicy kImpatient = {absl::Milliseconds(20), absl::Milliseconds(200)};
constexpr v1::Lane kLanes[] = {v1::LANE_CRITICAL, v1::LANE_TRANSACTIONAL, v1::LANE_STANDARD,
                               v1::LANE_BULK};

v1::SendEmailRequest RequestOf(int content) {
  return EmailOf(content, kLanes[static_cast<size_t>(content) % std::size(kLanes)]);
}

client::IdempotencyKey KeyOf(const std::string& text) {
  return *client::IdempotencyKey::Create(text);
}

int Pick(std::mt19937_64& random, int least, int most) {
  return std::uniform_int_distribution<int>(least, most)(random);
}

}  // namespace

Load::Load(const Stack& stack, const LoadOptions& options)
    : options_(options), give_up_micros_(std::numeric_limits<int64_t>::max()) {
  for (const Tenant& tenant : stack.tenants()) {
    clients_.push_back(stack.Connect(tenant, kImpatient));
  }
  for (int i = 0; i < options_.callers; ++i) {
    const size_t turn = static_cast<size_t>(i) % clients_.size();
    Caller caller;
    caller.tenant = &stack.tenants()[turn];
    caller.client = &clients_[turn];
    caller.name = absl::StrCat("order-", i, "-");
    caller.random.seed(options_.seed + static_cast<uint64_t>(i));
    threads_.emplace_back([this, caller = std::move(caller)]() mutable { Run(std::move(caller)); });
  }
}

Load::~Load() { Finish(absl::ZeroDuration()); }

bool Load::Finish(absl::Duration patience) {
  give_up_micros_ = absl::ToUnixMicros(absl::Now() + patience);
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return unsettled_ == 0;
}

bool Load::AwaitProgress(absl::Duration timeout) const {
  const int64_t before = acknowledged_count_;
  const absl::Time deadline = absl::Now() + timeout;
  while (acknowledged_count_ == before) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

const std::map<std::pair<std::string, std::string>, Acknowledged>& Load::acknowledged() const {
  absl::MutexLock lock(&mutex_);
  return acknowledged_;
}

const std::vector<std::string>& Load::violations() const {
  absl::MutexLock lock(&mutex_);
  return violations_;
}

bool Load::Patient() const { return absl::ToUnixMicros(absl::Now()) < give_up_micros_; }

void Load::Run(Caller caller) {
  while (!stopping_) {
    std::vector<Item> items;
    for (int i = 0; i < options_.emails_per_call; ++i) {
      items.push_back({absl::StrCat(caller.name, caller.next++), Pick(caller.random, 0, 7)});
    }
    Settle(caller, std::move(items));
    if (Pick(caller.random, 0, 9) == 0) Probe(caller);
  }
}

void Load::Settle(Caller& caller, std::vector<Item> items) {
  while (!items.empty() && Patient()) {
    const size_t before = items.size();
    SendOnce(caller, items);
    // The client has its own patience with UNAVAILABLE; this is for calls that ran out of time.
    if (items.size() == before) absl::SleepFor(absl::Milliseconds(Pick(caller.random, 5, 50)));
  }
  unsettled_ += static_cast<int64_t>(items.size());
}

void Load::SendOnce(Caller& caller, std::vector<Item>& items) {
  client::CallOptions options;
  options.deadline = absl::Milliseconds(Pick(caller.random, 300, 3000));
  if (Pick(caller.random, 0, 4) == 0) {
    const Item item = items.back();
    const auto result = caller.client->SendEmail(KeyOf(item.key), RequestOf(item.content), options);
    if (Take(caller, item, result)) items.pop_back();
    return;
  }
  std::vector<client::KeyedEmail> emails;
  for (const Item& item : items) emails.push_back({KeyOf(item.key), RequestOf(item.content)});
  const auto results = caller.client->SendEmails(std::move(emails), options);
  if (!results.ok()) {
    if (!Repeatable(results.status())) items.clear();
    return;
  }
  std::vector<Item> left;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!Take(caller, items[i], (*results)[i])) left.push_back(items[i]);
  }
  items = std::move(left);
}

bool Load::Take(Caller& caller, const Item& item,
                const absl::StatusOr<client::SendResult>& result) {
  if (!result.ok()) return !Repeatable(result.status());
  if (result->replayed) ++replays_;
  std::string first;
  {
    absl::MutexLock lock(&mutex_);
    const auto [entry, is_new] = acknowledged_.try_emplace(
        {caller.tenant->id, item.key}, Acknowledged{result->email.id(), item.content});
    if (is_new) ++acknowledged_count_;
    first = entry->second.id;
  }
  if (first != result->email.id()) {
    Violation(absl::StrCat("I3: key ", item.key, " was answered with ", first, " and then with ",
                           result->email.id()));
  }
  if (caller.known.size() < kKnownMax) {
    caller.known.push_back(item);
  } else {
    caller.known[caller.random() % kKnownMax] = item;
  }
  return true;
}

void Load::Probe(Caller& caller) {
  if (caller.known.empty()) return;
  const Item item = caller.known[caller.random() % caller.known.size()];
  client::CallOptions options;
  options.deadline = absl::Seconds(2);
  if (Pick(caller.random, 0, 1) == 0) {
    const auto again = caller.client->SendEmail(KeyOf(item.key), RequestOf(item.content), options);
    Take(caller, item, again);
    return;
  }
  const auto other =
      caller.client->SendEmail(KeyOf(item.key), RequestOf(item.content + 100), options);
  if (other.ok()) {
    Violation(
        absl::StrCat("I3: key ", item.key, " was taken for other content as ", other->email.id()));
  } else if (client::ExtractErrorDetails(other.status()).reason == "IDEMPOTENCY_KEY_REUSED") {
    ++conflicts_;
  } else {
    Repeatable(other.status());
  }
}

bool Load::Repeatable(const absl::Status& status) {
  const client::ErrorDetails details = client::ExtractErrorDetails(status);
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      // Without a reason it is the connection that broke, and heraldd had no say.
      if (details.reason.empty()) return true;
      ++refusals_;
      if (!details.retry_delay.has_value()) {
        Violation(absl::StrCat("UNAVAILABLE without RetryInfo: ", status.ToString()));
      }
      return true;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      Violation(absl::StrCat("a good call was answered with ", status.ToString()));
      return false;
  }
}

void Load::Violation(std::string what) {
  absl::MutexLock lock(&mutex_);
  if (violations_.size() < kViolationsMax) violations_.push_back(std::move(what));
}

}  // namespace herald::fault
