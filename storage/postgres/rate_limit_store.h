#pragma once

#include <vector>

#include "storage/postgres/connection_pool.h"
#include "storage/rate_limit_store.h"

namespace herald::storage {

// RateLimitStore in PostgreSQL: a row a bucket, locked in the order of the primary key for the
// length of one transaction.
class PostgresRateLimitStore : public RateLimitStore {
 public:
  // `pool` outlives this.
  explicit PostgresRateLimitStore(ConnectionPool& pool) : pool_(pool) {}

  absl::StatusOr<std::vector<SlotAnswer>> Reserve(absl::Span<const SlotRequest> requests) override;
  absl::StatusOr<bool> ReserveTogether(absl::Span<const SlotRequest> requests) override;
  absl::StatusOr<TokenLease> LeaseTokens(const LimitBucket& bucket, int need, int want) override;
  absl::StatusOr<absl::Time> WarmUpStart(TenantId tenant, absl::string_view sender_domain) override;
  absl::StatusOr<int> PruneIdle(int limit) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace herald::storage
