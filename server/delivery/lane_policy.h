#pragma once

#include "absl/time/time.h"
#include "model/lane.h"

namespace herald::delivery {

// What to do with an email whose hand-over may have been taken, once nothing proves either.
enum class UnconfirmedPolicy {
  kResend,  // a second copy is better than none (one-time passwords)
  kHold,    // FAILED, "outcome_unknown": none is better than a second copy
};

// Claims of an email without an end, each of which may have taken a process along, before it is
// quarantined.
inline constexpr int kClaimsMax = 3;

// How a lane's emails are delivered.
struct LanePolicy {
  // Hand-overs before an email is DEAD.
  int attempts_max = 8;
  // Backoff before hand-over n + 1: uniform in [0, min(cap, base * 2^(n-1))], full jitter.
  absl::Duration backoff_base = absl::Seconds(1);
  absl::Duration backoff_cap = absl::Minutes(10);
  // The longest wait a provider may ask for.
  absl::Duration retry_after_max = absl::Hours(1);
  // From acceptance (or send_time) to EXPIRED.
  absl::Duration lifetime = absl::Hours(24);
  UnconfirmedPolicy unconfirmed = UnconfirmedPolicy::kHold;
  // How long to wait for evidence (the provider's webhook) before `unconfirmed` decides.
  absl::Duration evidence_wait = absl::Minutes(10);
  // Whether its threads leave the processor to those of other lanes and of the API.
  bool low_priority = false;
  // The part of the time that its chunks are worked on while the process delivers CRITICAL emails,
  // and then by one thread, some 100 emails at a time. In [0.01, 1]; 1: as at other times.
  double share_beside_critical = 1;
  // Threads that claim and render, emails per claim, and emails claimed but not yet recorded.
  int workers = 1;
  int claim_batch = 100;
  int in_flight_max = 480;
  // The same of chunks, up to 100 emails each; chunks of a claim are begun in one transaction.
  int chunk_workers = 2;
  int chunk_claim = 4;
  int chunks_in_flight_max = 32;
  // Requests at once at an account, of chunks that it takes email by email. Fewer than the HTTP
  // client's connections to an origin, so that other lanes find one.
  int member_requests_max = 48;
};

// The defaults documented in the README.
LanePolicy DefaultLanePolicy(Lane lane);

}  // namespace herald::delivery
