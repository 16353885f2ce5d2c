#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "providers/provider.h"
#include "tests/support/message_copy.h"

namespace herald::delivery {

inline providers::SendResult ResultOf(Outcome outcome, std::string code = "") {
  providers::SendResult result;
  result.outcome = outcome;
  result.error_code = std::move(code);
  if (outcome == Outcome::kAccepted) result.provider_message_id = "id";
  return result;
}

inline providers::SendResult Throttled(absl::Duration retry_after) {
  providers::SendResult result = ResultOf(Outcome::kRetryable, "rate_limit_exceeded");
  result.throttled = true;
  result.retry_after = retry_after;
  return result;
}

// A provider without a batch call that answers when and what the test says. Thread-safe.
class ScriptedProvider final : public providers::Provider {
 public:
  explicit ScriptedProvider(std::string name = "scripted") : name_(std::move(name)) {
    capabilities_.message_bytes_max = 1'000'000;
    capabilities_.idempotency_window = absl::Hours(24);
  }
  absl::string_view account() const override { return name_; }
  const providers::Capabilities& capabilities() const override { return capabilities_; }
  providers::Capabilities& mutable_capabilities() { return capabilities_; }
  std::unique_ptr<providers::PreparedMessage> Prepare(
      const providers::OutboundMessage& message) const override {
    std::string digest = message.idempotency_key + "/" + message.text;
    digest.resize(32, '.');
    return std::make_unique<support::MessageCopy>(std::move(digest), message);
  }
  void Send(std::unique_ptr<providers::PreparedMessage> message, absl::Duration,
            Done done) override {
    absl::ReleasableMutexLock lock(&mutex_);
    keys_.push_back(support::MessageCopy::Of(*message).idempotency_key);
    if (at_once_.empty()) {
      open_.push_back(std::move(done));
      return;
    }
    providers::SendResult result = std::move(at_once_.front());
    if (at_once_.size() > 1) at_once_.pop_front();
    lock.Release();
    done(std::move(result));
  }

  // The next requests are answered within Send, the last of these over and over.
  void AnswerAtOnce(std::deque<providers::SendResult> results) {
    absl::MutexLock lock(&mutex_);
    at_once_ = std::move(results);
  }
  // Answers the oldest open request, once there is one.
  void Answer(providers::SendResult result) {
    Done done;
    {
      absl::MutexLock lock(&mutex_);
      const auto there = [this] { return !open_.empty(); };
      mutex_.Await(absl::Condition(&there));
      done = std::move(open_.front());
      open_.pop_front();
    }
    done(std::move(result));
  }
  void AwaitOpen(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [this, count] { return open_.size() >= count; };
    mutex_.Await(absl::Condition(&there));
  }
  size_t open() const {
    absl::MutexLock lock(&mutex_);
    return open_.size();
  }
  // Of all requests, in their order.
  std::vector<std::string> keys() const {
    absl::MutexLock lock(&mutex_);
    return keys_;
  }

 private:
  const std::string name_;
  providers::Capabilities capabilities_;
  mutable absl::Mutex mutex_;
  std::deque<providers::SendResult> at_once_;
  std::deque<Done> open_;
  std::vector<std::string> keys_;
};

}  // namespace herald::delivery
