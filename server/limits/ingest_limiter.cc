#include "server/limits/ingest_limiter.h"

#include <algorithm>
#include <utility>

#include "server/config/limits.h"
#include "server/limits/limit_defaults.h"
#include "server/status/status_details.h"

namespace herald::limits {
namespace {

constexpr absl::Duration kChunk = absl::Milliseconds(200);
// Tokens that a quiet replica keeps are lost to the busy ones.
constexpr absl::Duration kTokensLast = absl::Seconds(1);
// While a tenant stays at its limit, the database is asked no more often than this.
constexpr absl::Duration kScarceMin = absl::Milliseconds(20);
constexpr absl::Duration kOverloadRetry = absl::Milliseconds(500);

static_assert(kBatchMax <= RateBucket::kNeedMax, "a call asks for no more than a bucket remembers");

// Tokens of one lease: a slow tenant with a large burst is not asked about for each email.
int ChunkOf(const Pace& pace) {
  return std::max<int>({1, static_cast<int>(kChunk / pace.interval), pace.burst / 10});
}

absl::Status Refused(absl::Duration wait) {
  return WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, "INGEST_LIMIT",
                                  "the tenant hands in more than its limit allows; wait, or ask an "
                                  "operator for a higher limit"),
                        wait);
}

}  // namespace

IngestLimiter::IngestLimiter(Rate fallback, const TenantLimitCache* cache,
                             storage::RateLimitStore* store, Defer defer, Clock clock)
    : fallback_(fallback),
      cache_(cache),
      store_(store),
      defer_(std::move(defer)),
      clock_(std::move(clock)) {}

absl::optional<Pace> IngestLimiter::PaceOfTenant(TenantId tenant) const {
  const TenantLimitCache::Limits limits = cache_->Find(tenant);
  const Rate rate = limits != nullptr && limits->ingest.per_second > 0 ? limits->ingest : fallback_;
  if (rate.per_second <= 0) return absl::nullopt;
  return PaceOf(rate, kIngestBurst);
}

absl::optional<absl::Status> IngestLimiter::TryAdmit(TenantId tenant, int count) {
  const absl::optional<Pace> pace = PaceOfTenant(tenant);
  if (!pace.has_value()) return absl::OkStatus();
  bool lease = false;
  absl::optional<absl::Status> decided;
  {
    absl::MutexLock lock(&mutex_);
    Entry& entry = entries_[tenant.value];
    const absl::Time now = clock_();
    if (entry.scarce_interval != pace->interval) entry.scarce_until = absl::InfinitePast();
    decided = Decide(entry, *pace, count, now);
    // The next tokens are fetched before these are gone, so that a busy tenant never waits.
    const bool few = entry.tokens <= ChunkOf(*pace) / 4 && now >= entry.scarce_until;
    lease = decided.has_value() && decided->ok() && few && !entry.leasing;
    if (lease) entry.leasing = true;
  }
  if (lease) StartLeasing(tenant, *pace);
  return decided;
}

// nullopt: only the database knows.
absl::optional<absl::Status> IngestLimiter::Decide(Entry& entry, const Pace& pace, int count,
                                                   absl::Time now) {
  if (!entry.waiters.empty()) return absl::nullopt;
  if (now >= entry.tokens_until) entry.tokens = 0;
  if (entry.tokens >= count) {
    entry.tokens -= count;
    return absl::OkStatus();
  }
  if (now < entry.scarce_until && count >= entry.scarce_count) {
    const int more = std::min(count, pace.burst) - std::min(entry.scarce_count, pace.burst);
    return Refused(entry.scarce_until - now + pace.interval * more);
  }
  return absl::nullopt;
}

void IngestLimiter::Admit(TenantId tenant, int count, Admitted done) {
  const absl::optional<Pace> pace = PaceOfTenant(tenant);
  if (!pace.has_value()) return done(absl::OkStatus());
  absl::optional<absl::Status> decided;
  bool lease = false;
  {
    absl::MutexLock lock(&mutex_);
    Entry& entry = entries_[tenant.value];
    decided = Decide(entry, *pace, count, clock_());
    if (!decided.has_value()) {
      entry.waiters.push_back({count, std::move(done)});
      lease = !entry.leasing;
      entry.leasing = true;
    }
  }
  if (decided.has_value()) return done(*decided);
  if (lease) StartLeasing(tenant, *pace);
}

void IngestLimiter::StartLeasing(TenantId tenant, const Pace& pace) {
  if (defer_([this, tenant, pace] { Lease(tenant, pace); })) return;
  Settle(tenant, pace, 0,
         WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                                  "too many calls wait; send slower or to another replica"),
                        kOverloadRetry));
}

void IngestLimiter::Lease(TenantId tenant, Pace pace) {
  storage::LimitBucket bucket{tenant, LimitScope::kIngest, "", pace};
  int need = 0;
  do {
    {
      absl::MutexLock lock(&mutex_);
      const Entry& entry = entries_[tenant.value];
      need = entry.waiters.empty() ? 1 : std::max(1, entry.waiters.front().count - entry.tokens);
    }
  } while (
      Settle(tenant, pace, need, store_->LeaseTokens(bucket, need, std::max(need, ChunkOf(pace)))));
}

bool IngestLimiter::Settle(TenantId tenant, const Pace& pace, int need,
                           const absl::StatusOr<storage::TokenLease>& lease) {
  std::vector<Answered> answered;
  bool waiting = false;
  {
    absl::MutexLock lock(&mutex_);
    Entry& entry = entries_[tenant.value];
    const absl::Time now = clock_();
    const bool none = lease.ok() && lease->tokens == 0;
    if (lease.ok() && lease->tokens > 0) {
      entry.tokens += lease->tokens;
      entry.tokens_until = now + kTokensLast;
    } else if (none) {
      entry.scarce_count = need + entry.tokens;
      entry.scarce_until = now + std::max(lease->wait, kScarceMin);
      entry.scarce_interval = pace.interval;
    }
    std::deque<Waiter> waiters;
    waiters.swap(entry.waiters);
    for (Waiter& waiter : waiters) {
      absl::optional<absl::Status> decided =
          lease.ok() ? Decide(entry, pace, waiter.count, now) : FromStorage(lease.status());
      if (decided.has_value()) {
        answered.push_back({std::move(waiter.done), *std::move(decided)});
      } else {
        entry.waiters.push_back(std::move(waiter));
        break;
      }
    }
    // In the order of their arrival: who comes after one that goes on waiting waits as well.
    for (size_t i = answered.size() + entry.waiters.size(); i < waiters.size(); ++i) {
      entry.waiters.push_back(std::move(waiters[i]));
    }
    waiting = !entry.waiters.empty();
    entry.leasing = waiting;
  }
  for (Answered& answer : answered) answer.done(std::move(answer.status));
  return waiting;
}

}  // namespace herald::limits
