#pragma once

#include <string>

#include "absl/types/span.h"
#include "providers/provider.h"

namespace herald::providers {

// The body of POST /emails for `message`: equal messages give identical bytes, which is what
// Resend's idempotency asks for. Our ids travel as the tags herald_email_id and herald_tenant_id.
std::string ResendRequestBody(const OutboundMessage& message);
// The body of POST /emails/batch: the same, as an array.
std::string ResendBatchBody(absl::Span<const OutboundMessage> messages);

}  // namespace herald::providers
