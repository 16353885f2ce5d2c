#include "bench/delivery/queue_loop.h"

#include <stdexcept>
#include <thread>

#include "absl/time/clock.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_store.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/transaction.h"

namespace herald::bench {
namespace {

constexpr int kBatch = 100;
constexpr int kThreads = 2;
constexpr int64_t kBacklogMin = 100'000;
constexpr absl::Duration kLease = absl::Minutes(10);
constexpr absl::Duration kVacuumPause = absl::Seconds(3);
constexpr char kUnusedKeys[] = "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

constexpr storage::NamedQuery kDelete{"bench_delete", R"sql(
DELETE FROM herald.queue q USING unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
WHERE q.tenant_id = w.tenant_id AND q.email_id = w.email_id
)sql"};

}  // namespace

QueueLoop::QueueLoop(const std::string& dsn, int tenants)
    : master_keys_(*storage::MasterKeys::Parse(kUnusedKeys)),
      pool_({dsn, 6}),
      vacuum_pool_({dsn, 1}),
      keys_(pool_, master_keys_),
      maintenance_(pool_, vacuum_pool_),
      rows_(dsn, tenants) {
  Restart();
}

int QueueLoop::ClaimAndDelete(std::vector<double>* milliseconds) {
  const absl::Time start = absl::Now();
  const auto claimed = queue_->Claim(Lane::kBulk, kBatch, kLease, {});
  if (!claimed.ok()) throw std::runtime_error(claimed.status().ToString());
  if (milliseconds != nullptr) {
    milliseconds->push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  if (claimed->empty()) return 0;
  storage::ArrayParam tenants(claimed->size()), emails(claimed->size());
  for (const storage::LeasedEmail& email : *claimed) {
    tenants.AddInt(email.lease.tenant.value);
    emails.AddInt(email.lease.email.value);
  }
  const absl::Status deleted = storage::RunTransaction(
      pool_, {.role = storage::DatabaseRole::kEngine, .name = "bench_delete"},
      [&](storage::Transaction& transaction) -> absl::Status {
        transaction.Exec(kDelete, tenants.Take(), emails.Take());
        return absl::OkStatus();
      });
  if (!deleted.ok()) throw std::runtime_error(deleted.ToString());
  return static_cast<int>(claimed->size());
}

void QueueLoop::Empty() {
  rows_.Empty();
  done_ = queued_ = 0;
  Restart();
}

void QueueLoop::Restart() {
  queue_ = std::make_unique<storage::PostgresQueueStore>(pool_, keys_);
  chunks_ = std::make_unique<storage::PostgresChunkStore>(pool_, keys_);
}

// Fills and vacuums. So few wait that it fills from the first second on, as later.
void QueueLoop::Tend() {
  for (; !stopping_; absl::SleepFor(absl::Milliseconds(20))) {
    if (queued_ - done_ < kBacklogMin) {
      rows_.Queue(Lane::kBulk, kBacklogMin / 2);
      queued_ += kBacklogMin / 2;
    }
    if (absl::Now() < next_vacuum_) continue;
    maintenance_.VacuumQueue().IgnoreError();
    next_vacuum_ = absl::Now() + kVacuumPause;
  }
}

double QueueLoop::RunFor(absl::Duration length) {
  while (queued_ - done_ < kBacklogMin) {
    rows_.Queue(Lane::kBulk, kBacklogMin / 2);
    queued_ += kBacklogMin / 2;
  }
  stopping_ = false;
  const int64_t before = done_;
  const absl::Time begin = absl::Now();
  std::vector<std::thread> threads;
  threads.reserve(kThreads + 1);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!stopping_) done_ += ClaimAndDelete();
    });
  }
  threads.emplace_back([this] { Tend(); });
  absl::SleepFor(length);
  const double rate =
      static_cast<double>(done_ - before) / absl::ToDoubleSeconds(absl::Now() - begin);
  stopping_ = true;
  for (std::thread& thread : threads) thread.join();
  return rate;
}

}  // namespace herald::bench
