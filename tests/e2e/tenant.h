#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/herald_client.h"

namespace herald::e2e {

// Failures inside these helpers are reported to gtest, and the answer is then empty.

// A fresh tenant of the shared stack, so that no case sees another's emails and suppressions.
class Tenant {
 public:
  explicit Tenant(absl::string_view name);

  const std::string& id() const { return tenant_.id(); }
  const std::string& slug() const { return tenant_.slug(); }
  // An address that it may send from.
  std::string sender() const;
  const std::string& token() const { return token_; }
  // With a live token of every scope.
  const client::Client& api() const { return api_; }

  // Creates a token; all scopes unless told.
  v1::CreateApiTokenResponse CreateToken(v1::ApiToken::Mode mode,
                                         const std::vector<std::string>& allowed_recipients = {},
                                         const std::vector<v1::ApiToken::Scope>& scopes = {
                                             v1::ApiToken::SCOPE_SEND, v1::ApiToken::SCOPE_READ,
                                             v1::ApiToken::SCOPE_MANAGE}) const;

  // An email with content of its own to a simulated recipient ("bounced") or a whole address.
  v1::SendEmailRequest EmailTo(absl::string_view recipient) const;
  // Accepts an email under a new key.
  v1::Email Send(const v1::SendEmailRequest& request) const;
  v1::Email SendTo(absl::string_view recipient) const { return Send(EmailTo(recipient)); }

  v1::Email Get(const std::string& id) const;
  // Waits until the email is in that state; returns it as it is at last.
  v1::Email Await(const std::string& id, v1::Email::State state,
                  absl::Duration patience = absl::Seconds(60)) const;
  // Waits until the timeline has an event of that type.
  void AwaitEvent(const std::string& id, v1::EventType type,
                  absl::Duration patience = absl::Seconds(60)) const;
  std::vector<v1::EmailEvent> Timeline(const std::string& id) const;
  // The link of List-Unsubscribe in the mail that the sandbox kept, once it is delivered.
  std::string UnsubscribeLink(const std::string& id) const;

 private:
  v1::Tenant tenant_;
  std::string token_;
  client::Client api_;
};

// A key that no other call of this process gets.
client::IdempotencyKey NewKey();

// Reads its text as an idempotency key.
client::IdempotencyKey Key(absl::string_view text);

// The reason in an error's ErrorInfo; empty when there is none.
std::string ReasonOf(const absl::Status& status);
// The fields that an error's BadRequest names.
std::vector<std::string> ViolatedFields(const absl::Status& status);

google::protobuf::Timestamp Timestamp(absl::Time time);

}  // namespace herald::e2e
