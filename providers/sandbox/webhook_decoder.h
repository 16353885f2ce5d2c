#pragma once

#include "providers/resend/webhook_decoder.h"

namespace herald::providers {

// The sandbox reports what happened in Resend's words and signs in the same way, so that a local
// run takes the same path through the sidecar as production.
using SandboxWebhookDecoder = ResendWebhookDecoder;

}  // namespace herald::providers
