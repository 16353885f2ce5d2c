#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald::providers {

// The bytes of a "whsec_" + base64 secret, or kInvalidArgument without repeating it.
absl::StatusOr<std::string> DecodeWebhookSecret(absl::string_view secret);

// The svix-signature value for a webhook: "v1," + base64(HMAC-SHA256(key, id.timestamp.body)).
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
std::string SvixSignature(absl::string_view key, absl::string_view id, absl::Time timestamp,
                          absl::string_view body);

}  // namespace herald::providers
