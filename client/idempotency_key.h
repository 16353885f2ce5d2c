#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace herald::client {

// Names the business event that an email belongs to, e.g. "order-confirmation:order_123". Whoever
// repeats a call for the same event must build the same key: derive it from the event, never from
// a clock or a random number. There is no default, so an email without a key does not compile.
class IdempotencyKey {
 public:
  // 1–256 printable ASCII characters, as SendEmailRequest.idempotency_key; otherwise
  // kInvalidArgument.
  static absl::StatusOr<IdempotencyKey> Create(absl::string_view text);

  const std::string& value() const { return value_; }

 private:
  explicit IdempotencyKey(std::string value) : value_(std::move(value)) {}

  std::string value_;
};

}  // namespace herald::client
