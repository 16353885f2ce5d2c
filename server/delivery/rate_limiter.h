#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/lane.h"
#include "server/delivery/send_candidate.h"
#include "server/limits/limit_defaults.h"
#include "server/limits/tenant_limit_cache.h"
#include "storage/rate_limit_store.h"

namespace herald::delivery {

// Which limits apply to an email, and whether it may go now. Thread-safe. Asks the database once
// for any number of emails, and not at all when no limit applies to them.
class RateLimiter {
 public:
  // Pointers outlive this.
  RateLimiter(limits::LimitDefaults defaults, const limits::TenantLimitCache* tenants,
              storage::RateLimitStore* store);

  // Answer i is for candidates[i]: go, or park it until then with what it holds. Blocks. An error:
  // the database did not answer; none of them may go.
  absl::StatusOr<std::vector<storage::SlotAnswer>> Admit(
      absl::Span<const SendCandidate> candidates) const;
  // Whether they may all go now: then each has its token of every limit, else nobody took one.
  // Blocks. Errors as of Admit.
  absl::StatusOr<bool> AdmitTogether(absl::Span<const SendCandidate> candidates) const;
  // False: no limit applies to what the tenant sends through the account, whatever it is.
  bool MayLimit(TenantId tenant, absl::string_view account) const;

 private:
  using Buckets = std::vector<storage::LimitBucket>;

  // Adds the bucket unless the lane is exempt.
  void Add(const SendCandidate& candidate, LimitScope scope, std::string key, const Pace& pace,
           Buckets& buckets) const;
  void AddRate(const SendCandidate& candidate, LimitScope scope, std::string key, Rate rate,
               Buckets& buckets) const;
  void AddOfCategory(const SendCandidate& candidate, const storage::TenantLimits* own,
                     Buckets& buckets) const;
  absl::Status AddOfDomains(const SendCandidate& candidate, const storage::TenantLimits* own,
                            Buckets& buckets) const;
  absl::StatusOr<Buckets> BucketsOf(const SendCandidate& candidate) const;
  absl::StatusOr<absl::Time> WarmUpStart(TenantId tenant, const std::string& domain) const;

  const limits::LimitDefaults defaults_;
  const limits::TenantLimitCache* const tenants_;
  storage::RateLimitStore* const store_;

  mutable absl::Mutex mutex_;
  // Never changes once it is known.
  mutable absl::flat_hash_map<std::pair<int64_t, std::string>, absl::Time> warm_ups_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::delivery
