#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "providers/http/http_client.h"
#include "providers/provider.h"

namespace herald::providers {

struct ResendOptions {
  std::string account = "resend";
  std::string api_key;
  std::string base_url = "https://api.resend.com";
  // Resend answers 403 to requests without one.
  std::string user_agent = "herald/0.1";
  // What is urgent goes through this one. Null: through the same.
  HttpClient* urgent_http = nullptr;
  // False: a service in the shape of Resend's that does not recognise a repeated key.
  bool idempotent = true;
  bool batch = true;  // false: one request an email, as at a provider without a batch call
  std::function<absl::Time()> clock = absl::Now;
};

// Resend (https://resend.com/docs/api-reference/emails/send-email). The HTTP clients must outlive
// it.
std::unique_ptr<Provider> MakeResendProvider(ResendOptions options, HttpClient& http);

}  // namespace herald::providers
