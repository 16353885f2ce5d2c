#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "model/ids.h"
#include "storage/history.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

// `pool` must outlive it.
class PostgresHistory final : public History {
 public:
  explicit PostgresHistory(ConnectionPool& pool) : pool_(pool) {}

  absl::StatusOr<bool> Prune(const Retention& retention) override;

 private:
  ConnectionPool& pool_;
  absl::Mutex mutex_;
  TenantId tenant_ ABSL_GUARDED_BY(mutex_);  // pruned last, or tried
};

}  // namespace herald::storage
