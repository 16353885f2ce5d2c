#include <cstdio>

#include "client/herald_client.h"

// Port 1 of loopback listens nowhere: a client that was linked right says UNAVAILABLE.
int main() {
  herald::client::ClientOptions options;
  options.target = "127.0.0.1:1";
  options.tls.trust = herald::client::TlsOptions::Trust::kPlainText;
  options.default_deadline = absl::Milliseconds(200);
  const auto client = herald::client::Client::Create(options);
  if (!client.ok()) return 1;
  const auto key = herald::client::IdempotencyKey::Create("order:1");
  const auto result = client->SendEmail(*key, herald::v1::SendEmailRequest());
  std::puts(absl::StatusCodeToString(result.status().code()).c_str());
  return absl::IsUnavailable(result.status()) ? 0 : 1;
}
