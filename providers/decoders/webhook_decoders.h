#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "providers/webhook_decoder.h"

namespace herald::providers {

// The provider types that send webhooks ("resend", "sandbox"), sorted.
std::vector<std::string> WebhookProviderTypes();

// The decoder for a provider type, or null when there is none of that name.
std::unique_ptr<WebhookDecoder> NewWebhookDecoder(absl::string_view provider_type);

// Whether a secret can verify webhooks of a provider type at all; a typing mistake is better found
// at the start than by refused webhooks. kInvalidArgument, with a message that does not repeat it.
absl::Status CheckWebhookSecret(absl::string_view provider_type, absl::string_view secret);

}  // namespace herald::providers
