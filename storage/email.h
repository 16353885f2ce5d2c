#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/email_state.h"
#include "model/event.h"
#include "model/ids.h"
#include "model/lane.h"

namespace herald::storage {

// An email as acceptance hands it to the store. Plain text: the store seals addresses and content
// with the tenant's key before anything is written.
struct NewEmail {
  TenantId tenant;
  EmailId id;
  std::string idempotency_key;
  std::string request_hash;  // SHA-256 of the canonical request, 32 bytes
  Lane lane = Lane::kTransactional;
  std::string category;
  std::string template_key;  // empty: inline content
  int template_version = 0;
  std::string recipient;             // address as it goes on the wire
  std::string recipient_normalised;  // what suppression and search look up
  std::string user_id;               // may be empty
  std::string from_address;
  std::string from_name;
  std::string content;   // serialised herald.internal.v1.EmailContent
  std::map<std::string, std::string> metadata;
  absl::Time create_time;
  absl::optional<absl::Time> send_time;
  absl::Time expire_time;
  absl::Time key_expire_time;  // the idempotency key is kept until then
  bool test = false;
  std::string traceparent;
};

// An email as the API shows it.
struct EmailRecord {
  TenantId tenant;
  EmailId id;
  EmailState state = EmailState::kQueued;  // SENDING included, judged by the open attempt
  std::string state_reason;
  Lane lane = Lane::kTransactional;
  std::string category;
  std::string template_key;
  int template_version = 0;
  std::string recipient;  // opened; empty when the tenant's key is gone
  std::string user_id;
  std::string from_address;
  std::string from_name;
  std::string idempotency_key;
  std::map<std::string, std::string> metadata;
  absl::Time create_time;
  absl::Time update_time;
  absl::optional<absl::Time> send_time;
  absl::Time expire_time;
  bool test = false;
  std::string traceparent;
  int attempt_count = 0;
  std::string provider_account;
  std::string provider_message_id;
};

// One line of a timeline.
struct EmailEventRow {
  EmailId email;
  EventType type = EventType::kUnknown;
  absl::Time event_time;
  int attempt = 0;
  std::string account;
  std::string provider_message_id;
  BounceClass bounce_class = BounceClass::kNone;
  std::string reason;
  std::string detail;
  absl::optional<absl::Time> retry_time;
};

}  // namespace herald::storage
