#include "server/delivery/health_board.h"

#include <algorithm>
#include <utility>

namespace herald::delivery {
namespace {

using storage::BreakerState;

// When nothing tells how long an account stays away.
constexpr absl::Duration kAskAgain = absl::Seconds(1);
constexpr absl::Duration kDisabledWait = absl::Seconds(15);
// A 429 without Retry-After.
constexpr absl::Duration kPause = absl::Seconds(1);
constexpr char kShutdown[] = "shutdown";

}  // namespace

HealthBoard::HealthBoard(Options options, storage::AccountHealthStore* store,
                         HealthObserver* observer)
    : options_(std::move(options)), store_(store), observer_(observer) {
  for (const std::string& name : options_.accounts) {
    Account& account = accounts_[name];
    account.health.account = name;
    account.health.breaker.since = absl::InfinitePast();
    account.guarded = std::count(options_.unguarded.begin(), options_.unguarded.end(), name) == 0;
  }
}

absl::Time HealthBoard::Now() const { return options_.clock() + offset_; }

int64_t HealthBoard::Begin(absl::string_view account) {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  const auto found = accounts_.find(account);
  if (found == accounts_.end()) return 0;
  const int64_t call = next_call_++;
  found->second.open[call] = {now, found->second.health.revision, false};
  return call;
}

void HealthBoard::End(absl::string_view name, int64_t call, const providers::SendResult& result) {
  const absl::Time now = options_.clock();
  absl::MutexLock lock(&mutex_);
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return;
  Account& account = found->second;
  const auto begun = account.open.find(call);
  if (begun == account.open.end()) return;
  const Call ended = begun->second;
  account.open.erase(begun);
  if (result.error_code == kShutdown) return;

  if (result.outcome == Outcome::kProviderDown && !result.sender_only) {
    if (!account.guarded || ended.revision != account.health.revision) return;
    account.down_reason = result.error_code.empty() ? "provider_down" : result.error_code;
    return observer_->OnDown(name, account.down_reason);
  }
  if (result.throttled) {
    if (!account.guarded) return;
    const absl::Duration pause = std::clamp(result.retry_after.value_or(kPause),
                                            absl::ZeroDuration(), storage::kAccountPauseMax);
    if (now + pause <= account.paused_until) return;
    account.paused_until = now + pause;
    account.pause_told = false;
    return;
  }
  if (ended.counted) return;
  const absl::Duration took = now - ended.begin;
  const bool failed = result.outcome == Outcome::kRetryable ||
                      result.outcome == Outcome::kUnconfirmed || took > options_.policy.slow_call;
  account.tally.Add(now, ended.revision, took, failed);
}

HealthBoard::Admission HealthBoard::Admit(absl::string_view name, bool peek) {
  absl::MutexLock lock(&mutex_);
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return {true, {}};
  Account& account = found->second;
  if (account.health.disabled) return {false, kDisabledWait};
  if (!account.guarded) return {true, {}};
  const absl::Time now = Now();
  const absl::Duration pause =
      std::max(account.paused_until - options_.clock(), account.health.pause_until - now);
  if (pause > absl::ZeroDuration()) return {false, pause};
  if (!account.down_reason.empty()) return {false, options_.policy.down_base};
  const storage::Breaker& breaker = account.health.breaker;
  if (breaker.state == BreakerState::kClosed) return {true, {}};
  if (breaker.state == BreakerState::kHalfOpen && breaker.prober == options_.replica &&
      account.probes < options_.policy.probes) {
    if (!peek) ++account.probes;
    return {true, {}};
  }
  return {false, breaker.state == BreakerState::kOpen ? std::max(breaker.until - now, kAskAgain)
                                                      : kAskAgain};
}

void HealthBoard::Miss(absl::string_view name) {
  absl::MutexLock lock(&mutex_);
  const auto found = accounts_.find(name);
  if (found != accounts_.end()) found->second.wanted = true;
}

// What lasts too long has failed, whether or not it ends.
void HealthBoard::CountSlow(absl::Time now) {
  for (auto& [name, account] : accounts_) {
    account.tally.Prune(now - options_.policy.window);
    for (auto& [id, call] : account.open) {
      if (call.counted || now - call.begin <= options_.policy.slow_call) continue;
      call.counted = true;
      account.tally.Add(now, call.revision, now - call.begin, /*failed=*/true);
    }
  }
}

absl::Status HealthBoard::RegisterUnknown() {
  std::vector<std::string> unknown;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, account] : accounts_) {
      if (!account.known) unknown.push_back(name);
    }
  }
  return unknown.empty() ? absl::OkStatus() : store_->Register(unknown);
}

absl::StatusOr<bool> HealthBoard::Sync() {
  const absl::StatusOr<storage::HealthExchange> exchange = Exchange();
  if (!exchange.ok()) {
    JudgeAlone();
    Show();
    return exchange.status();
  }
  AdoptAll(*exchange);
  const absl::Status carried = Carry(Judge());
  Show();
  if (!carried.ok()) return carried;
  return false;
}

// What was seen here is kept when the database does not take it.
absl::StatusOr<storage::HealthExchange> HealthBoard::Exchange() {
  if (absl::Status registered = RegisterUnknown(); !registered.ok()) {
    absl::MutexLock lock(&mutex_);
    CountSlow(options_.clock());
    return registered;
  }
  std::map<std::string, CallTally> taken;
  std::vector<storage::AccountCalls> calls;
  std::vector<storage::AccountPause> pauses;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = options_.clock();
    CountSlow(now);
    for (auto& [name, account] : accounts_) {
      taken[name] = std::exchange(account.tally, {});
      const auto reports = taken[name].Reports(name);
      calls.insert(calls.end(), reports.begin(), reports.end());
      const absl::Duration pause = account.paused_until - now;
      if (!account.pause_told && pause > absl::ZeroDuration()) pauses.push_back({name, pause});
      account.pause_told = true;
    }
  }
  absl::StatusOr<storage::HealthExchange> exchange =
      store_->Exchange(calls, pauses, options_.policy.recent, options_.policy.window);
  if (!exchange.ok()) {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, tally] : taken) accounts_[name].tally.Merge(tally);
    for (const storage::AccountPause& pause : pauses) accounts_[pause.account].pause_told = false;
  }
  return exchange;
}

void HealthBoard::AdoptAll(const storage::HealthExchange& exchange) {
  std::vector<storage::AccountHealth> followed;
  {
    absl::MutexLock lock(&mutex_);
    offset_ = exchange.now - options_.clock();
    for (const storage::AccountHealth& stored : exchange.accounts) {
      const auto found = accounts_.find(stored.account);
      if (found == accounts_.end()) continue;
      const storage::AccountHealth health = Bounded(found->second, stored, exchange.now);
      const storage::AccountHealth& known = found->second.health;
      if (known.breaker.state != health.breaker.state || known.disabled != health.disabled) {
        followed.push_back(health);
      }
      Adopt(found->second, health);
      found->second.stored_pause = stored.pause_until;
    }
  }
  for (const storage::AccountHealth& health : followed) observer_->OnFollowed(health);
}

// The database's clock may be behind the one that wrote its times, after a failover: then a breaker
// began no later than now and lasts as long as it would have. What was bounded once does not move
// on with the clock: of one revision there is one breaker.
storage::AccountHealth HealthBoard::Bounded(const Account& account,
                                            const storage::AccountHealth& stored,
                                            absl::Time now) const {
  storage::AccountHealth health = stored;
  storage::Breaker& breaker = health.breaker;
  if (account.known && stored.revision == account.health.revision) {
    breaker.since = std::min(breaker.since, account.health.breaker.since);
    breaker.until = std::min(breaker.until, account.health.breaker.until);
  }
  if (breaker.since > now) {
    breaker.until = now + (breaker.until - breaker.since);
    breaker.since = now;
  }
  health.pause_until = std::min(stored.pause_until, now + storage::kAccountPauseMax);
  if (account.known && stored.pause_until == account.stored_pause) {
    health.pause_until = std::min(health.pause_until, account.health.pause_until);
  }
  return health;
}

void HealthBoard::Adopt(Account& account, const storage::AccountHealth& health) {
  account.known = true;
  if (health.revision != account.health.revision) account.probes = 0;
  account.health = health;
  if (health.breaker.state == BreakerState::kOpen) account.down_reason.clear();
  if (health.breaker.state == BreakerState::kClosed) account.wanted = false;
}

std::vector<HealthBoard::Move> HealthBoard::Judge() {
  std::vector<Move> moves;
  absl::MutexLock lock(&mutex_);
  const absl::Time now = Now();
  for (auto& [name, account] : accounts_) {
    if (!account.guarded || !account.known) continue;
    const BreakerFacts facts{account.health.recent, account.health.window, account.down_reason,
                             account.wanted && !account.health.disabled};
    absl::optional<storage::Breaker> next =
        NextBreaker(options_.policy, account.health.breaker, facts, options_.replica, now);
    if (next.has_value()) moves.push_back({name, account.health.revision, *std::move(next)});
  }
  return moves;
}

absl::Status HealthBoard::Carry(const std::vector<Move>& moves) {
  for (const Move& move : moves) {
    const absl::StatusOr<bool> won = store_->SwapBreaker(move.account, move.revision, move.breaker);
    if (!won.ok()) return won.status();
    if (!*won) continue;  // the next Sync brings what the winner did
    storage::AccountHealth health;
    {
      absl::MutexLock lock(&mutex_);
      health = accounts_[move.account].health;
      health.breaker = move.breaker;
      health.revision = move.revision + 1;
      if (move.breaker.state == BreakerState::kHalfOpen) accounts_[move.account].wanted = false;
      Adopt(accounts_[move.account], health);
    }
    observer_->OnBreaker(health, /*shared=*/true);
  }
  return absl::OkStatus();
}

// Without the database: what this replica saw itself decides, for this replica.
void HealthBoard::JudgeAlone() {
  std::vector<storage::AccountHealth> moved;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = Now();
    const absl::Time local = options_.clock();
    const BreakerPolicy& policy = options_.policy;
    for (auto& [name, account] : accounts_) {
      if (!account.guarded) continue;
      const int64_t revision = account.health.revision;
      const BreakerFacts facts{account.tally.Count(revision, local - policy.recent),
                               account.tally.Count(revision, local - policy.window),
                               account.down_reason, account.wanted};
      absl::optional<storage::Breaker> next =
          NextBreaker(policy, account.health.breaker, facts, options_.replica, now);
      if (!next.has_value()) continue;
      storage::AccountHealth health = account.health;
      health.breaker = *std::move(next);
      health.revision = --alone_;
      if (health.breaker.state == BreakerState::kHalfOpen) account.wanted = false;
      const bool known = account.known;
      Adopt(account, health);
      account.known = known;
      moved.push_back(account.health);
    }
  }
  for (const storage::AccountHealth& health : moved) observer_->OnBreaker(health, false);
}

void HealthBoard::Show() {
  std::vector<storage::AccountHealth> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, account] : accounts_) all.push_back(account.health);
  }
  for (const storage::AccountHealth& health : all) observer_->OnHealth(health);
}

}  // namespace herald::delivery
