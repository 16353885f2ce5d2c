#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/ids.h"
#include "model/lane.h"
#include "model/rate_bucket.h"
#include "model/rate_limit.h"

namespace herald::storage {

// A limit that applies to something, and how fast its bucket runs.
struct LimitBucket {
  TenantId tenant;  // 0 where tenants share it
  LimitScope scope = LimitScope::kGlobal;
  std::string key;  // within the scope: an account, a domain, a user
  Pace pace;
};

// An email about to be handed over.
struct SlotRequest {
  Lane lane = Lane::kTransactional;
  absl::Time expire_time;
  std::vector<int64_t> held;         // of an email that was parked: what it came back with
  std::vector<LimitBucket> buckets;  // all that apply, in the order of their scopes; may be empty
};

struct SlotAnswer {
  bool go = true;
  // Not go: wait until then, by the database's clock, and come back with `held`.
  absl::Time slot;
  absl::Duration delay;
  LimitScope limit = LimitScope::kGlobal;
  std::vector<int64_t> held;
};

struct TokenLease {
  int tokens = 0;
  absl::Duration wait;  // none: when there will be enough
};

// Token buckets that all replicas share. Thread-safe, blocking; times by the database's clock.
// kUnavailable: not known whether tokens were taken; asking again wastes them at worst.
class RateLimitStore {
 public:
  virtual ~RateLimitStore() = default;

  // Answer i is for requests[i]; one transaction that touches each bucket once. An email goes when
  // every limit has a token for it, and takes them all. Otherwise it books a slot with the first
  // limit that has none, which it then holds, and takes nothing from the others: they are asked at
  // the slot. A slot beyond expire_time is told but not booked.
  virtual absl::StatusOr<std::vector<SlotAnswer>> Reserve(
      absl::Span<const SlotRequest> requests) = 0;
  // Whether every limit has a token for each of `requests`, which hold none: then they take them
  // all, else none takes any.
  virtual absl::StatusOr<bool> ReserveTogether(absl::Span<const SlotRequest> requests) = 0;
  // Of a tenant's bucket up to `want` tokens, at least `need` or none.
  virtual absl::StatusOr<TokenLease> LeaseTokens(const LimitBucket& bucket, int need, int want) = 0;
  // When this was first asked about a tenant's sending domain; never changes.
  virtual absl::StatusOr<absl::Time> WarmUpStart(TenantId tenant,
                                                 absl::string_view sender_domain) = 0;
  // Forgets up to `limit` buckets that are as good as unused. Returns how many.
  virtual absl::StatusOr<int> PruneIdle(int limit) = 0;
};

}  // namespace herald::storage
