#pragma once

#include <memory>
#include <string>
#include <utility>

#include "providers/provider.h"

namespace herald::delivery {

// A provider that is only chosen.
class NamedProvider final : public providers::Provider {
 public:
  explicit NamedProvider(std::string name) : name_(std::move(name)) {
    capabilities_.message_bytes_max = 1000;
    capabilities_.attachments = true;
  }
  absl::string_view account() const override { return name_; }
  const providers::Capabilities& capabilities() const override { return capabilities_; }
  providers::Capabilities& mutable_capabilities() { return capabilities_; }
  std::unique_ptr<providers::PreparedMessage> Prepare(
      const providers::OutboundMessage&) const override {
    return std::make_unique<providers::PreparedMessage>("");
  }
  void Send(std::unique_ptr<providers::PreparedMessage>, absl::Duration, Done) override {}

 private:
  const std::string name_;
  providers::Capabilities capabilities_;
};

}  // namespace herald::delivery
