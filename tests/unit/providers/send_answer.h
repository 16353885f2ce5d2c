#pragma once

#include <functional>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "providers/provider.h"

namespace herald::providers {

// Waits for one answer of a Provider. Counts, so that a second one is noticed.
template <class Result>
class AnswerOf {
 public:
  std::function<void(Result)> Callback() {
    return [this](Result result) {
      absl::MutexLock lock(&mu_);
      result_ = std::move(result);
      ++count_;
    };
  }

  // A default result when the test waited in vain.
  Result Wait() {
    absl::MutexLock lock(&mu_);
    const auto answered = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ > 0; };
    mu_.AwaitWithTimeout(absl::Condition(&answered), absl::Seconds(20));
    return result_;
  }

  int count() const {
    absl::MutexLock lock(&mu_);
    return count_;
  }

 private:
  mutable absl::Mutex mu_;
  Result result_ ABSL_GUARDED_BY(mu_);
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};
using SendAnswer = AnswerOf<SendResult>;
using BatchAnswer = AnswerOf<std::vector<SendResult>>;

inline SendResult SendAndWait(Provider& provider, const OutboundMessage& message,
                              absl::Duration timeout = absl::Seconds(20)) {
  SendAnswer answer;
  provider.Send(provider.Prepare(message), timeout, answer.Callback());
  return answer.Wait();
}

inline std::vector<SendResult> SendBatchAndWait(Provider& provider,
                                                const std::vector<OutboundMessage>& messages,
                                                absl::Duration timeout = absl::Seconds(20)) {
  BatchAnswer answer;
  provider.SendBatch(provider.PrepareBatch(messages, "batch"), timeout, answer.Callback());
  return answer.Wait();
}

// A complete message: the tests change what they are about.
inline OutboundMessage ExampleMessage() {
  OutboundMessage message;
  message.email_id = "em_0d3v7q9k2x5ab";
  message.tenant_id = "tn_0000000000001";
  message.idempotency_key = "em_0d3v7q9k2x5ab:1";
  message.from = {"orders@example.com", "Example, Orders"};
  message.to = {"delivered@sandbox.herald.test", "Zoë"};
  message.reply_to = {{"help@example.com", ""}};
  message.subject = "Your order – confirmed";
  message.html = "<p>Thank you, Zoë</p>";
  message.text = "Thank you, Zoë";
  message.headers = {{"X-Order", "order_123"}};
  return message;
}

}  // namespace herald::providers
