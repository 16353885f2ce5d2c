#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/account_health_store.h"

namespace herald::delivery {

// Sees the health of provider accounts; for metrics and logs. Thread-safe, must not block.
class HealthObserver {
 public:
  virtual ~HealthObserver() = default;
  // This replica moved the breaker of `health.account`. `shared`: every replica follows; otherwise
  // the database is away.
  virtual void OnBreaker(const storage::AccountHealth& /*health*/, bool /*shared*/) {}
  // Another replica, or an operator, moved it.
  virtual void OnFollowed(const storage::AccountHealth& /*health*/) {}
  // The account as this replica knows it, a few times a second.
  virtual void OnHealth(const storage::AccountHealth& /*health*/) {}
  virtual void OnDown(absl::string_view /*account*/, absl::string_view /*reason*/) {}
};

}  // namespace herald::delivery
