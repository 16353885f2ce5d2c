#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/outcome.h"

namespace herald::providers {

struct Mailbox {
  std::string address;  // addr-spec, checked
  std::string name;     // UTF-8 display name without control characters, may be empty
};

struct Attachment {
  std::string filename;
  std::string content_type;
  std::string content;     // raw bytes
  std::string content_id;  // non-empty: inline
};

// One rendered email, ready to hand over. Everything that reaches the provider is in here, so that
// equal messages give byte-identical requests.
struct OutboundMessage {
  // FormatEmailId / FormatTenantId: they travel as tags or metadata and come back in webhooks.
  std::string email_id;
  std::string tenant_id;
  // Equal for every attempt that must not be delivered twice; at most 256 characters.
  std::string idempotency_key;
  Mailbox from;
  Mailbox to;
  std::vector<Mailbox> reply_to;
  std::string subject;
  std::string html;  // may be empty when text is not
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;  // checked: no CR, LF or NUL
  std::vector<Attachment> attachments;
  std::string traceparent;  // W3C trace context for the provider call, may be empty
};

// The provider's verdict. `error_code` is the provider's own name or number ("rate_limit_exceeded",
// "421"), `detail` a sentence for the timeline: neither holds an address or a body.
struct SendResult {
  Outcome outcome = Outcome::kUnconfirmed;
  std::string provider_message_id;  // set when kAccepted
  std::string error_code;
  std::string detail;
  absl::optional<absl::Duration> retry_after;  // asked for by the provider, not clamped
  // kRetryable only because the account sends too fast (429): no fault of it.
  bool throttled = false;
  // kProviderDown for this sender alone: the account works for others.
  bool sender_only = false;
};

struct Capabilities {
  // How long the provider answers a repeated idempotency key with the first result; zero when it
  // has no idempotency, and then an unconfirmed email is never repeated without evidence.
  absl::Duration idempotency_window;
  size_t message_bytes_max = 0;
  bool attachments = false;
  size_t batch_max = 1;                  // messages of one call
  bool international_addresses = false;  // local parts beyond ASCII (SMTPUTF8)
};

// One account at one delivery provider.
//
// Thread-safe. Send never blocks; `done` runs exactly once, on a thread of the provider's choice or
// within Send, also when the provider is being destroyed (then kUnconfirmed if the request may have
// left, else kRetryable), and must not block. The destructor returns after the last `done`.
class Provider {
 public:
  using Done = std::function<void(SendResult)>;

  virtual ~Provider() = default;
  // The configured name of the account ("resend-main"): metric label, attempt record, route entry.
  virtual absl::string_view account() const = 0;
  virtual const Capabilities& capabilities() const = 0;
  // A digest of the bytes Send would put on the wire for `message`, 32 bytes. An attempt whose
  // digest differs from that of an unconfirmed one is not a repetition.
  virtual std::string RequestDigest(const OutboundMessage& message) const = 0;
  virtual void Send(const OutboundMessage& message, absl::Duration timeout, Done done) = 0;
};

}  // namespace herald::providers
