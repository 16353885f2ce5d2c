#pragma once

#include "storage/account_health_store.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

class PostgresAccountHealthStore final : public AccountHealthStore {
 public:
  // `pool` must outlive the store.
  explicit PostgresAccountHealthStore(ConnectionPool& pool) : pool_(pool) {}

  absl::Status Register(absl::Span<const std::string> accounts) override;
  absl::StatusOr<HealthExchange> Exchange(absl::Span<const AccountCalls> calls,
                                          absl::Span<const AccountPause> pauses,
                                          absl::Duration recent, absl::Duration window) override;
  absl::StatusOr<bool> SwapBreaker(absl::string_view account, int64_t revision,
                                   const Breaker& breaker) override;
  absl::StatusOr<std::vector<AccountReport>> List(absl::Duration window) override;
  absl::StatusOr<AccountReport> Disable(absl::string_view account, absl::string_view reason,
                                        const AuditEntry& audit) override;
  absl::StatusOr<AccountReport> Enable(absl::string_view account, const AuditEntry& audit) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace herald::storage
