#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "providers/provider.h"
#include "server/delivery/breaker.h"
#include "server/delivery/call_tally.h"
#include "server/delivery/health_observer.h"
#include "storage/account_health_store.h"

namespace herald::delivery {

// The health of the provider accounts as this replica knows it: what it saw itself, at once, and
// what the others saw, since the last Sync. Thread-safe; only Sync blocks. While the database is
// away each replica judges by what it sees alone.
class HealthBoard {
 public:
  struct Options {
    std::vector<std::string> accounts;
    // Of `accounts`, those whose failures do not count; an operator can disable them all the same.
    std::vector<std::string> unguarded;
    BreakerPolicy policy;
    std::string replica;  // another one for each process
    std::function<absl::Time()> clock;
  };
  // `store` and `observer` must outlive the board.
  HealthBoard(Options options, storage::AccountHealthStore* store, HealthObserver* observer);

  // A hand-over begins and ends. Every Begin has one End.
  int64_t Begin(absl::string_view account) ABSL_LOCKS_EXCLUDED(mutex_);
  void End(absl::string_view account, int64_t call, const providers::SendResult& result)
      ABSL_LOCKS_EXCLUDED(mutex_);

  struct Admission {
    bool admitted = false;
    absl::Duration wait;  // until it may be: a guess
  };
  // Whether an email may go to the account now. Unless `peek`, it will: on probation only a few
  // may. Accounts that are not on the board take everything.
  Admission Admit(absl::string_view account, bool peek) ABSL_LOCKS_EXCLUDED(mutex_);
  // An email would have gone to the account, had it been admitted. Without that nobody probes.
  void Miss(absl::string_view account) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells the other replicas and hears from them, then moves the breakers on. A round of a duty.
  absl::StatusOr<bool> Sync() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Call {
    absl::Time begin;
    int64_t revision = 0;
    bool counted = false;  // as too slow
  };
  struct Account {
    bool guarded = true;
    bool known = false;  // to the database
    storage::AccountHealth health;
    CallTally tally;  // not reported yet
    std::map<int64_t, Call> open;
    std::string down_reason;  // not reported yet
    absl::Time paused_until;  // by this replica's clock
    bool pause_told = true;   // `paused_until` was reported
    absl::Time stored_pause;  // as it was last told, unbounded
    bool wanted = false;
    int probes = 0;  // given out under the present revision
  };
  struct Move {
    std::string account;
    int64_t revision = 0;
    storage::Breaker breaker;
  };

  absl::Time Now() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);  // the database's, as far as known
  void CountSlow(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<storage::HealthExchange> Exchange() ABSL_LOCKS_EXCLUDED(mutex_);
  void AdoptAll(const storage::HealthExchange& exchange) ABSL_LOCKS_EXCLUDED(mutex_);
  void Adopt(Account& account, const storage::AccountHealth& health)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `stored`, without what a clock made of it that was ahead of `now`.
  storage::AccountHealth Bounded(const Account& account, const storage::AccountHealth& stored,
                                 absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JudgeAlone() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<Move> Judge() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Carry(const std::vector<Move>& moves) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status RegisterUnknown() ABSL_LOCKS_EXCLUDED(mutex_);
  void Show() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  storage::AccountHealthStore* const store_;
  HealthObserver* const observer_;

  absl::Mutex mutex_;
  std::map<std::string, Account, std::less<>> accounts_ ABSL_GUARDED_BY(mutex_);
  absl::Duration offset_ ABSL_GUARDED_BY(mutex_);  // of the database's clock from ours
  int64_t next_call_ ABSL_GUARDED_BY(mutex_) = 1;
  int64_t alone_ ABSL_GUARDED_BY(mutex_) = 0;  // revisions of our own making, below zero
};

}  // namespace herald::delivery
