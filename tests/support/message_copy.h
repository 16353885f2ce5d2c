#pragma once

#include <string>
#include <utility>

#include "providers/provider.h"

namespace herald::support {

// What a provider of a test hands over: the message as it was.
class MessageCopy final : public providers::PreparedMessage {
 public:
  MessageCopy(std::string digest, providers::OutboundMessage original)
      : PreparedMessage(std::move(digest)), message(std::move(original)) {}

  static const providers::OutboundMessage& Of(const providers::PreparedMessage& prepared) {
    return static_cast<const MessageCopy&>(prepared).message;
  }

  const providers::OutboundMessage message;
};

}  // namespace herald::support
