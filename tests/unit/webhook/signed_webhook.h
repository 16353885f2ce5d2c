#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "providers/svix/signature.h"

namespace herald::providers {

// The secret, id and time of the published vectors.
inline constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
inline constexpr char kOtherSecret[] = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
inline constexpr char kMessageId[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
inline const absl::Time kSignedAt = absl::FromUnixSeconds(1614265330);

inline WebhookRequest SignedWebhook(const std::string& body, const std::string& secret = kSecret,
                                    absl::Time at = kSignedAt, const std::string& id = kMessageId) {
  return WebhookRequest{{{"svix-id", id},
                         {"svix-timestamp", absl::StrCat(absl::ToUnixSeconds(at))},
                         {"svix-signature", SignSvix(secret, id, at, body).value()}},
                        body};
}

}  // namespace herald::providers
