#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/email_state.h"
#include "model/ids.h"
#include "model/lane.h"
#include "model/outcome.h"

namespace herald::storage {

// The right to work on an email until the lease ends by the database's clock. `token` fences: once
// the lease was taken over, nothing that carries the old token changes a row.
struct Lease {
  TenantId tenant;
  EmailId email;
  int64_t token = 0;
  // Of the recipient's address, by which BeginAttempts finds a suppression for every tenant.
  int64_t recipient_mark = 0;
};

// An earlier hand-over that may have been taken.
struct UnconfirmedAttempt {
  std::string account;
  std::string request_digest;
  absl::Time begin_time;
};

struct LeasedEmail {
  Lease lease;
  Lane lane = Lane::kTransactional;
  int claims = 0;    // this one included; counted at the claim, so that a crash counts too
  int attempts = 0;  // hand-overs begun so far
  int redrives = 0;
  int attempts_before_redrive = 0;          // of `attempts`, those that the last redrive forgave
  int free_attempts = 0;                    // of the others, those that use up no retry budget
  std::vector<std::string> tried_accounts;  // that just failed it; others are to take it now
  std::string recipient;                    // opened
  std::string content;                      // serialised herald.internal.v1.EmailContent, opened
  std::string template_key;
  int template_version = 0;
  std::string category;
  bool test = false;
  std::string traceparent;
  std::string user_id;  // may be empty
  absl::Time create_time;
  absl::optional<absl::Time> send_time;
  absl::Time expire_time;
  std::vector<int64_t> slots_held;  // what RateLimitStore gave it to come back with
  absl::Time claim_time;            // the database's clock at the claim
  absl::optional<UnconfirmedAttempt> unconfirmed;
  // Non-OK when content or address could not be opened (key gone, tampered): fail it, alone.
  absl::Status opened;
};

// An email that waits for a rate limit.
struct ParkedEmail {
  Lease lease;
  absl::Time run_at;
  std::vector<int64_t> slots_held;
  std::string limit;  // empty: it waits for another reason, which its timeline does not show
};

struct AttemptStart {
  Lease lease;
  std::string account;
  std::string request_digest;  // the provider's
};

struct BeginResult {
  enum class Verdict {
    kBegun,    // recorded and committed: hand over now
    kStale,    // the lease is gone or too short: drop it, change nothing
    kStopped,  // cancelled, suppressed or expired; already recorded as such
  };
  Verdict verdict = Verdict::kStale;
  int attempt = 0;                              // kBegun: its number, from 1
  EmailState stopped_as = EmailState::kQueued;  // kStopped
};

// What happens to an email after an attempt, as decided by the retry policy.
struct Disposition {
  enum class Kind {
    kSent,         // leaves the queue
    kRetry,        // QUEUED again after `delay`
    kUnconfirmed,  // UNCONFIRMED; looked at again after `delay`. With attempt 0 it only waits on:
                   // what is known of the unconfirmed hand-over stays
    kFailed,       // leaves the queue
    kDead,         // leaves the queue
  };
  Kind kind = Kind::kFailed;
  absl::Duration delay;
  std::string reason;  // state_reason for programs
  bool free = false;   // the attempt uses up no retry budget
  // kRetry at another account, at once: all that failed the email since it last had to wait.
  std::vector<std::string> tried_accounts = {};
};

struct AttemptEnd {
  Lease lease;
  int attempt = 0;                  // 0: nothing was handed over (render failure, policy)
  absl::optional<Outcome> outcome;  // nullopt with attempt 0
  std::string account;
  std::string request_digest;
  std::string provider_message_id;
  std::string error_code;
  std::string detail;
  Disposition disposition;
};

struct LaneDepth {
  Lane lane = Lane::kTransactional;
  int64_t pending = 0;  // due, scheduled, waiting for a retry, or being sent
  // Since the oldest one that nobody has claimed yet fell due; may be an earlier answer's, for 20
  // times as long as it took to find.
  absl::Duration oldest_age;
};

// The queue from the engine's side. Thread-safe, blocking; all times by the database's clock.
// kUnavailable from any method: it is not known whether it took effect; each may be repeated.
class QueueStore {
 public:
  virtual ~QueueStore() = default;

  // Leases up to `limit` due emails of a lane for `lease`. Each is in no other live lease. Tenants
  // take turns: while several have due emails, each gets its share of every claim. Those in
  // `except` get nothing.
  virtual absl::StatusOr<std::vector<LeasedEmail>> Claim(Lane lane, int limit, absl::Duration lease,
                                                         absl::Span<const TenantId> except) = 0;
  // Looks once more whether each email may go (not cancelled, suppressed, expired), and records
  // the beginning of an attempt for those that may; committed on return. `time_needed` must be
  // left of the lease. Result i is for starts[i].
  virtual absl::StatusOr<std::vector<BeginResult>> BeginAttempts(
      absl::Span<const AttemptStart> starts, absl::Duration time_needed) = 0;
  // Records how attempts ended and what follows. Result i: false when the lease was stale, and
  // then nothing changed. A state that evidence has already moved past is not taken back.
  virtual absl::StatusOr<std::vector<bool>> RecordEnds(absl::Span<const AttemptEnd> ends) = 0;
  // Gives unstarted leases back; the emails are due at once and the claim does not count.
  virtual absl::Status ReturnLeases(absl::Span<const Lease> leases) = 0;
  // Puts emails off without an attempt: the claim does not count. The first wait for a limit shows
  // on the timeline. A lease that is gone changes nothing.
  virtual absl::Status Park(absl::Span<const ParkedEmail> emails) = 0;
  // Takes over leases that ended: an email with an open attempt becomes UNCONFIRMED, any other is
  // due again; one claimed `claims_max` times without an end is DEAD ("poison"), or FAILED
  // ("outcome_unknown") when a provider may have taken it. Returns how many it took over.
  virtual absl::StatusOr<int> RescueExpired(int limit, int claims_max) = 0;
  // Ends emails in the queue, not leased, whose expire_time passed: EXPIRED. Returns how many.
  virtual absl::StatusOr<int> ExpireOverdue(int limit) = 0;
  // Of lanes that ever had an email. Costs the same however long the lines are.
  virtual absl::StatusOr<std::vector<LaneDepth>> Depths() = 0;
  // A number for EmailIdGenerator, in [0, 4096), another one at each call until they wrap.
  virtual absl::StatusOr<int> NextNode() = 0;
  // OK when the database answers and takes writes; a standby is kUnavailable.
  virtual absl::Status Ping() = 0;
};

}  // namespace herald::storage
