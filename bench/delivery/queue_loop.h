#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "bench/delivery/queue_rows.h"
#include "storage/chunk_store.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/queue_maintenance.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/queue_store.h"

namespace herald::bench {

// The queue of one database, and who claims and deletes what is in it. Throws std::runtime_error
// and libpqxx's exceptions. For one thread.
class QueueLoop {
 public:
  // `dsn`: a migrated database that nothing else uses, and a user whom row-level security does not
  // bind. Its emails are removed.
  QueueLoop(const std::string& dsn, int tenants);

  QueueRows& rows() { return rows_; }
  storage::QueueStore& queue() { return *queue_; }
  storage::ChunkStore& chunks() { return *chunks_; }

  // Claims up to a hundred and deletes them; how many. Adds how long the claim took.
  int ClaimAndDelete(std::vector<double>* milliseconds = nullptr);

  // Removes everything and begins anew.
  void Empty();
  // Claims go on as those of a process that has just started: it knows no places in the lines.
  void Restart();
  // Claims and deletes by two connections for so long, while the queue is kept filled and vacuumed:
  // emails a second. Where the last call stopped, this one goes on.
  double RunFor(absl::Duration length);

 private:
  void Tend();

  const storage::MasterKeys master_keys_;
  storage::ConnectionPool pool_;
  storage::ConnectionPool vacuum_pool_;
  storage::TenantKeys keys_;
  storage::PostgresQueueMaintenance maintenance_;
  QueueRows rows_;
  std::unique_ptr<storage::QueueStore> queue_;
  std::unique_ptr<storage::ChunkStore> chunks_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> done_{0};
  int64_t queued_ = 0;
  absl::Time next_vacuum_ = absl::InfinitePast();
};

}  // namespace herald::bench
