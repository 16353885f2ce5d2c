#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/idempotency_key.h"
#include "herald/v1/email_service.pb.h"

namespace herald::heraldctl {

// The flags of `send`; empty: not given.
struct SendFlags {
  std::string to, user_id;
  std::string from;
  std::vector<std::string> reply_to;
  std::string template_reference;   // KEY or KEY@VERSION
  std::string subject, html, text;  // inline content; html and text may be @FILE
  std::string vars;                 // JSON or @FILE
  std::string key;
  std::string lane, category;
  std::string send_at, expire_in;
  std::vector<std::string> headers;      // name=value
  std::vector<std::string> attachments;  // paths
  std::vector<std::string> metadata;     // name=value
};

// What the flags mean. UsageError for what cannot be meant; the server checks the rest.
absl::StatusOr<v1::SendEmailRequest> BuildSendRequest(const SendFlags& flags, absl::Time now);

// A recipient as written on the command line.
absl::StatusOr<v1::Recipient> BuildRecipient(const std::string& to, const std::string& user_id);

// The key as given; "auto" makes a random one. UsageError that explains keys when there is none.
absl::StatusOr<client::IdempotencyKey> ChooseKey(const std::string& flag);

}  // namespace herald::heraldctl
