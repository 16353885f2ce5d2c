#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
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
  bool urgent = false;      // waits for nothing, such as a connection, behind what is not
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
  bool international_addresses = false;  // local parts beyond ASCII (SMTPUTF8)
  size_t batch_max = 1;                  // messages of one batch call; 1 when there is none
};

// One message in the form in which it goes on the wire, made once: what was digested is what is
// handed over.
class PreparedMessage {
 public:
  explicit PreparedMessage(std::string digest) : digest_(std::move(digest)) {}
  virtual ~PreparedMessage() = default;

  // 16 bytes, of all that goes on the wire but the trace. An attempt whose digest differs from that
  // of an unconfirmed one is not a repetition.
  const std::string& digest() const { return digest_; }

 private:
  const std::string digest_;
};

// Messages of one batch call likewise.
class PreparedBatch {
 public:
  PreparedBatch(std::string key, std::string digest, size_t size)
      : key_(std::move(key)), digest_(std::move(digest)), size_(size) {}
  virtual ~PreparedBatch() = default;

  // Names the batch at the provider; it follows from the bytes, so that only a repetition bears it.
  const std::string& key() const { return key_; }
  // 16 bytes, as PreparedMessage's.
  const std::string& digest() const { return digest_; }
  size_t size() const { return size_; }

 private:
  const std::string key_;
  const std::string digest_;
  const size_t size_;
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
  // Never null. Nothing is handed over yet.
  virtual std::unique_ptr<PreparedMessage> Prepare(const OutboundMessage& message) const = 0;
  // Hands over what Prepare of this account made.
  virtual void Send(std::unique_ptr<PreparedMessage> message, absl::Duration timeout,
                    Done done) = 0;

  // One result for each message, in their order.
  using BatchDone = std::function<void(std::vector<SendResult>)>;

  // `messages` without attachments, at most batch_max of them; `name` begins the key. Nullptr: they
  // do not go together (too large, or the account has no batch call).
  virtual std::unique_ptr<PreparedBatch> PrepareBatch(
      absl::Span<const OutboundMessage> /*messages*/, absl::string_view /*name*/) const {
    return nullptr;
  }
  // As Send, of what PrepareBatch of this account made. A call that was refused as a whole because
  // of what is in it answers kRejected for every message: which one was at fault is then not known.
  virtual void SendBatch(std::unique_ptr<PreparedBatch> batch, absl::Duration timeout,
                         BatchDone done);
};

// NOLINTNEXTLINE(performance-unnecessary-value-param): as what overrides it
inline void Provider::SendBatch(std::unique_ptr<PreparedBatch> batch, absl::Duration /*timeout*/,
                                BatchDone done) {
  SendResult result;
  result.outcome = Outcome::kRetryable;
  result.error_code = "no_batch_call";
  done(std::vector<SendResult>(batch->size(), result));
}

}  // namespace herald::providers
