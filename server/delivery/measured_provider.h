#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "providers/provider.h"
#include "server/delivery/health_board.h"

namespace herald::delivery {

// A provider whose calls are seen by a health board, which must outlive it. While it is being
// destroyed, and ends its calls, it still knows its name and capabilities.
class MeasuredProvider final : public providers::Provider {
 public:
  MeasuredProvider(std::unique_ptr<providers::Provider> provider, HealthBoard* board)
      : board_(board),
        account_(provider->account()),
        capabilities_(provider->capabilities()),
        provider_(std::move(provider)) {}

  absl::string_view account() const override { return account_; }
  const providers::Capabilities& capabilities() const override { return capabilities_; }
  std::unique_ptr<providers::PreparedMessage> Prepare(
      const providers::OutboundMessage& message) const override {
    return provider_->Prepare(message);
  }
  void Send(std::unique_ptr<providers::PreparedMessage> message, absl::Duration timeout,
            Done done) override {
    provider_->Send(std::move(message), timeout, Measured(std::move(done)));
  }
  std::unique_ptr<providers::PreparedBatch> PrepareBatch(
      absl::Span<const providers::OutboundMessage> messages,
      absl::string_view name) const override {
    return provider_->PrepareBatch(messages, name);
  }
  void SendBatch(std::unique_ptr<providers::PreparedBatch> batch, absl::Duration timeout,
                 BatchDone done) override {
    const int64_t call = board_->Begin(account_);
    provider_->SendBatch(
        std::move(batch), timeout,
        [this, call, done = std::move(done)](std::vector<providers::SendResult> results) {
          board_->End(account_, call, OfCall(results));
          done(std::move(results));
        });
  }

 private:
  Done Measured(Done done) {
    const int64_t call = board_->Begin(account_);
    return [this, call, done = std::move(done)](providers::SendResult result) {
      board_->End(account_, call, result);
      done(std::move(result));
    };
  }
  // What a batch call says of its account: it works where it took anything.
  static providers::SendResult OfCall(const std::vector<providers::SendResult>& results) {
    for (const providers::SendResult& result : results) {
      if (result.outcome == Outcome::kAccepted) return result;
    }
    return results.empty() ? providers::SendResult() : results.front();
  }

  HealthBoard* const board_;
  const std::string account_;
  const providers::Capabilities capabilities_;
  const std::unique_ptr<providers::Provider> provider_;  // last: destroyed first
};

}  // namespace herald::delivery
