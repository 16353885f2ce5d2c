// Sends one email with Herald's client library; see examples/README.md.
#include <cstdlib>
#include <iostream>

#include "client/herald_client.h"

int main() {
  const char* address = std::getenv("HERALD_ADDR");
  const char* token = std::getenv("HERALD_TOKEN");
  if (address == nullptr || token == nullptr) {
    std::cerr << "set HERALD_ADDR and HERALD_TOKEN\n";
    return 2;
  }

  herald::client::ClientOptions options;
  options.target = address;
  options.token = token;
  // As the quickstart's stack speaks, on loopback. TLS without this line.
  options.tls.trust = herald::client::TlsOptions::Trust::kPlainText;
  const auto client = herald::client::Client::Create(options);
  // Names the business event, never the attempt: the same event sends one email.
  const auto key = herald::client::IdempotencyKey::Create("signup:user_42");
  if (!client.ok() || !key.ok()) {
    std::cerr << client.status() << " " << key.status() << "\n";
    return 2;
  }

  herald::v1::SendEmailRequest request;
  request.mutable_recipient()->set_email("delivered@sandbox.herald.test");
  request.mutable_from()->set_email("shop@demo.herald.test");
  request.mutable_template_()->set_key("welcome");
  auto& variables = *request.mutable_variables()->mutable_fields();
  variables["firstName"].set_string_value("Ada");
  variables["shop"].set_string_value("Demo Shop");

  const auto sent = client->SendEmail(*key, request);  // durable when this returns
  if (!sent.ok()) {
    const auto details = herald::client::ExtractErrorDetails(sent.status());
    std::cerr << sent.status().message() << " " << details.reason << "\n";
    for (const auto& violation : details.violations) {
      std::cerr << "  " << violation.field << ": " << violation.description << "\n";
    }
    return 1;
  }
  std::cout << sent->email.id() << (sent->replayed ? " was accepted before\n" : " accepted\n");
}
