#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "storage/email.h"

namespace herald::storage {

// What became of one email of AcceptEmails.
struct AcceptResult {
  enum class Kind {
    kAccepted,  // new and durable
    kReplayed,  // the key was known with equal content: `existing` is the email first accepted
    kConflict,  // the key was known with other content
    kRefused,   // this row alone could not be stored: `error`
  };
  Kind kind = Kind::kRefused;
  EmailState state = EmailState::kQueued;  // kAccepted: QUEUED, SCHEDULED or SUPPRESSED
  std::string state_reason;                // kAccepted and SUPPRESSED: why
  // kReplayed; nullptr when that email has been deleted since.
  std::shared_ptr<const EmailRecord> existing;
  absl::Status error;  // kRefused
};

// A request by its key and the hash of its content.
struct KeyedRequest {
  std::string idempotency_key;
  std::string request_hash;
};

// Which emails of a tenant; empty fields do not filter.
struct EmailQuery {
  std::string recipient_normalised;
  std::string user_id;
  std::vector<EmailState> states;
  absl::optional<Lane> lane;
  std::string template_key;
  std::string category;
  std::string idempotency_key;
  std::string provider_message_id;
  bool test_only = false;                       // those of test tokens
  absl::optional<absl::Time> create_time_from;  // inclusive
  absl::optional<absl::Time> create_time_to;    // exclusive
  absl::optional<EmailId> before;               // older than this one: the page token
  int limit = 50;
};

// A place in a tenant's event feed: everything up to it was read.
struct FeedCursor {
  uint64_t transaction = 0;
  int64_t sequence = 0;
};

struct FeedPage {
  std::vector<EmailEventRow> events;
  FeedCursor next;  // where to go on, also when `events` is empty
};

// Emails from the caller's side. Thread-safe, blocking. Every statement runs under row-level
// security as the tenants named in the call. Errors of all methods: kUnavailable (the database is
// away), kNotFound (no such email of this tenant), kFailedPrecondition where said.
class EmailStore {
 public:
  virtual ~EmailStore() = default;

  // Makes a group of emails, of any tenants, durable in one transaction and returns after the
  // commit: result i is for emails[i]. One bad row is kRefused alone. A commit whose outcome was
  // lost is resolved through the idempotency keys before anything is answered. kUnavailable: not
  // known to be durable; repeating with the same keys is safe.
  virtual absl::StatusOr<std::vector<AcceptResult>> AcceptEmails(
      absl::Span<const NewEmail> emails) = 0;

  // Emails that earlier requests with these keys and the same content have led to: result i is for
  // requests[i], nullptr where there is none.
  virtual absl::StatusOr<std::vector<std::shared_ptr<const EmailRecord>>> FindReplays(
      TenantId tenant, absl::Span<const KeyedRequest> requests) = 0;

  virtual absl::StatusOr<EmailRecord> GetEmail(TenantId tenant, EmailId id) = 0;
  // Newest first, at most query.limit.
  virtual absl::StatusOr<std::vector<EmailRecord>> ListEmails(TenantId tenant,
                                                              const EmailQuery& query) = 0;
  // Oldest first, acceptance and attempts included, at most 1000.
  virtual absl::StatusOr<std::vector<EmailEventRow>> ListEvents(TenantId tenant, EmailId id) = 0;
  // Events of the tenant after `cursor` in an order that never changes; never skips an event that
  // commits late.
  virtual absl::StatusOr<FeedPage> ReadFeed(TenantId tenant, FeedCursor cursor, int limit) = 0;
  // The present end of the feed.
  virtual absl::StatusOr<FeedCursor> FeedEnd(TenantId tenant) = 0;

  // After OK no attempt will begin. Cancelling twice is no error. kFailedPrecondition: an attempt
  // is under way or may have been taken, or the email is past that.
  virtual absl::StatusOr<EmailRecord> CancelEmail(TenantId tenant, EmailId id) = 0;
  // kFailedPrecondition: an attempt has begun, or the email is terminal, or expires before.
  virtual absl::StatusOr<EmailRecord> RescheduleEmail(TenantId tenant, EmailId id,
                                                      absl::Time send_time) = 0;
  // Puts the DEAD emails that match back into the queue, oldest first, with a fresh retry budget,
  // to expire `lifetime` from now; writes one audit entry by `actor`. Returns those put back.
  virtual absl::StatusOr<std::vector<EmailId>> RedriveEmails(TenantId tenant,
                                                             const EmailQuery& query,
                                                             absl::Duration lifetime,
                                                             absl::string_view actor) = 0;
  // As RedriveEmails, of one. kFailedPrecondition: not DEAD.
  virtual absl::StatusOr<EmailRecord> RedriveEmail(TenantId tenant, EmailId id,
                                                   absl::Duration lifetime,
                                                   absl::string_view actor) = 0;
};

}  // namespace herald::storage
