#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "storage/tenant_store.h"

namespace herald::storage {

// Stored: never reuse a number.
enum class BreakerState : int {
  kClosed = 1,    // works
  kOpen = 2,      // out of the routes until `until` at least
  kHalfOpen = 3,  // the prober hands a few emails over; the others wait
};

struct Breaker {
  BreakerState state = BreakerState::kClosed;
  std::string reason;  // why it last opened: "error_rate", or the provider's own name for it
  int opens = 0;       // in a row; each one is longer
  absl::Time since;    // when the state began
  // kOpen: when probing may begin; kHalfOpen: when the prober's time is over.
  absl::Time until;
  std::string prober;  // kHalfOpen: a replica
};

// Calls are counted by how long they took, in classes: class i holds those of at most
// kLatencyClassMs[i], the last one all others.
inline constexpr std::array<int, 11> kLatencyClassMs = {10,   25,   50,   100,   250,  500,
                                                        1000, 2500, 5000, 10000, 20000};
inline constexpr size_t kLatencyClasses = kLatencyClassMs.size() + 1;

// Calls that one replica saw end, or last too long, since it last reported.
struct AccountCalls {
  std::string account;
  int64_t revision = 0;  // of the account's breaker when they began
  int latency_class = 0;
  int calls = 0;
  int failures = 0;
  int64_t total_ms = 0;
};

// The longest that an account is left alone because its provider asked for it.
inline constexpr absl::Duration kAccountPauseMax = absl::Minutes(5);

struct AccountPause {
  std::string account;
  absl::Duration pause;  // from now on, at most kAccountPauseMax: the provider asked for it
};

struct CallCounts {
  int64_t calls = 0;
  int64_t failures = 0;
};

// What all replicas know of an account.
struct AccountHealth {
  std::string account;
  Breaker breaker;
  int64_t revision = 0;  // of the breaker; grows with each change
  absl::Time pause_until;
  bool disabled = false;
  std::string disable_reason;
  std::string disabled_by;
  absl::optional<absl::Time> disable_time;
  // Calls begun under `revision`, over the short and the long window.
  CallCounts recent;
  CallCounts window;
};

struct HealthExchange {
  absl::Time now;  // the database's clock, which all times here are of
  std::vector<AccountHealth> accounts;
};

// For people: over the long window, whatever the revision.
struct AccountReport {
  AccountHealth health;
  CallCounts calls;
  int64_t total_ms = 0;
  std::array<int64_t, kLatencyClasses> by_latency{};
};

// Where replicas share what they know of provider accounts. Thread-safe, blocking; all times by
// the database's clock. kUnavailable: the database is away.
class AccountHealthStore {
 public:
  virtual ~AccountHealthStore() = default;

  // Accounts that are not known yet begin closed and enabled.
  virtual absl::Status Register(absl::Span<const std::string> accounts) = 0;
  // Adds what this replica saw and returns what all of them know. When it fails, the calls may
  // have been added.
  virtual absl::StatusOr<HealthExchange> Exchange(absl::Span<const AccountCalls> calls,
                                                  absl::Span<const AccountPause> pauses,
                                                  absl::Duration recent, absl::Duration window) = 0;
  // Replaces the breaker if it still has `revision`. False: another replica was first.
  virtual absl::StatusOr<bool> SwapBreaker(absl::string_view account, int64_t revision,
                                           const Breaker& breaker) = 0;

  virtual absl::StatusOr<std::vector<AccountReport>> List(absl::Duration window) = 0;
  // kNotFound: no such account. Enabling closes the breaker as well. Repeating changes nothing but
  // the reason.
  virtual absl::StatusOr<AccountReport> Disable(absl::string_view account, absl::string_view reason,
                                                const AuditEntry& audit) = 0;
  virtual absl::StatusOr<AccountReport> Enable(absl::string_view account,
                                               const AuditEntry& audit) = 0;
};

}  // namespace herald::storage
