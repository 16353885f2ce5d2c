#pragma once

#include "providers/webhook_decoder.h"

namespace herald::providers {

// Reads Resend's webhooks: one event per request, signed as in providers/svix/signature.h.
// Facts: https://resend.com/docs/webhooks/event-types
//
// The event's id is the message id of the signature, as the body has none. Herald's ids are read
// from the tags `herald_email_id` and `herald_tenant_id`.
class ResendWebhookDecoder final : public WebhookDecoder {
 public:
  absl::StatusOr<std::vector<DecodedEvent>> Decode(const WebhookRequest& request,
                                                   const std::vector<std::string>& secrets,
                                                   absl::Time now) const override;
};

}  // namespace herald::providers
