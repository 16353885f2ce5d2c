#include "providers/decoders/webhook_decoders.h"

#include "providers/resend/webhook_decoder.h"
#include "providers/sandbox/webhook_decoder.h"
#include "providers/svix/signature.h"

namespace herald::providers {

std::vector<std::string> WebhookProviderTypes() { return {"resend", "sandbox"}; }

std::unique_ptr<WebhookDecoder> NewWebhookDecoder(absl::string_view provider_type) {
  if (provider_type == "resend") return std::make_unique<ResendWebhookDecoder>();
  if (provider_type == "sandbox") return std::make_unique<SandboxWebhookDecoder>();
  return nullptr;
}

absl::Status CheckWebhookSecret(absl::string_view provider_type, absl::string_view secret) {
  if (provider_type == "resend" || provider_type == "sandbox") return CheckSvixSecret(secret);
  return absl::InvalidArgumentError("no such provider type");
}

}  // namespace herald::providers
