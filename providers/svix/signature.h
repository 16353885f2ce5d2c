#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "providers/webhook_decoder.h"

namespace herald::providers {

// Svix webhooks, known also as Standard Webhooks, version v1: HMAC-SHA256 over
// `id "." timestamp "." body`. Resend and Herald's sandbox sign this way.
// Facts: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

// How far a signed timestamp may lie from our clock, in both directions.
inline constexpr absl::Duration kSvixTolerance = absl::Minutes(5);

// Checks `request` against every secret in constant time and returns its message id, which stays
// equal over the sender's retries. Reads the `svix-*` headers and, if one is missing, the
// `webhook-*` headers. A secret that CheckSvixSecret refuses matches nothing.
//
// Errors: kUnauthenticated made by RefuseWebhook.
absl::StatusOr<std::string> VerifySvix(const WebhookRequest& request,
                                       const std::vector<std::string>& secrets, absl::Time now);

// The header's value for a message, "v1,…". kInvalidArgument when the secret cannot be used.
absl::StatusOr<std::string> SignSvix(absl::string_view secret, absl::string_view id,
                                     absl::Time timestamp, absl::string_view body);

// OK for base64 of 24–64 bytes, with or without the prefix "whsec_"; else kInvalidArgument, with a
// message that does not repeat the secret.
absl::Status CheckSvixSecret(absl::string_view secret);

}  // namespace herald::providers
