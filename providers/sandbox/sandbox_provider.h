#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "providers/http/http_client.h"
#include "providers/provider.h"

namespace herald::providers {

struct SandboxOptions {
  std::string account = "sandbox";
  // Mail goes to "<directory>/<tenant>/<email>.eml", the record of what was accepted to
  // "<directory>/accepted.log" (mail_directory.h). Replicas may share one directory.
  std::string directory;
  bool keep_mail = true;                                    // false: the record alone
  std::string webhook_url;                                  // empty: no webhooks
  std::string webhook_secret;                               // "whsec_" and base64
  absl::Duration event_interval = absl::Milliseconds(100);  // between events of one email
  absl::Duration webhook_backoff = absl::Milliseconds(250);
  // False: as a provider without idempotency, a repeated key is another email.
  bool idempotent = true;
  bool batch = true;          // false: as a provider without a batch call
  size_t queue_max = 10'000;  // messages waiting to be written; above that kRetryable
  std::function<absl::Time()> clock = absl::Now;
};

// A provider that delivers nowhere: it keeps the mail as files and plays the recipient's part
// (simulated_recipient.h) through genuinely signed webhooks in the shape of Resend's. Idempotent
// by idempotency_key, also across restarts. `http` carries the webhooks and must outlive it.
//
// kInvalidArgument: the webhook secret; kUnavailable: the directory.
absl::StatusOr<std::unique_ptr<Provider>> MakeSandboxProvider(SandboxOptions options,
                                                              HttpClient& http);

}  // namespace herald::providers
