#pragma once

#include <memory>
#include <string>
#include <utility>

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
  std::string RequestDigest(const providers::OutboundMessage& message) const override {
    return provider_->RequestDigest(message);
  }
  void Send(const providers::OutboundMessage& message, absl::Duration timeout, Done done) override {
    const int64_t call = board_->Begin(account_);
    provider_->Send(message, timeout,
                    [this, call, done = std::move(done)](providers::SendResult result) {
                      board_->End(account_, call, result);
                      done(std::move(result));
                    });
  }

 private:
  HealthBoard* const board_;
  const std::string account_;
  const providers::Capabilities capabilities_;
  const std::unique_ptr<providers::Provider> provider_;  // last: destroyed first
};

}  // namespace herald::delivery
