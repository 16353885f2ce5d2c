#include "bench/delivery/queue_bench.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/delivery/queue_rows.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/queue_maintenance.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/transaction.h"

namespace herald::bench {
namespace {

constexpr int kBatch = 100;
constexpr int kClaims = 80;
constexpr int kLoopThreads = 2;
constexpr int64_t kEmails = 400'000;
constexpr int64_t kBacklogMin = 100'000;
constexpr absl::Duration kLease = absl::Minutes(10);
constexpr absl::Duration kVacuumPause = absl::Seconds(3);
constexpr int kCriticalRounds = 200;
constexpr char kUnusedKeys[] = "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

constexpr storage::NamedQuery kDelete{"bench_delete", R"sql(
DELETE FROM herald.queue q USING unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
WHERE q.tenant_id = w.tenant_id AND q.email_id = w.email_id
)sql"};

class QueueBench {
 public:
  explicit QueueBench(const QueueBenchOptions& options)
      : options_(options),
        master_keys_(*storage::MasterKeys::Parse(kUnusedKeys)),
        pool_({options.dsn, 6}),
        vacuum_pool_({options.dsn, 1}),
        keys_(pool_, master_keys_),
        maintenance_(pool_, vacuum_pool_),
        rows_(options.dsn, options.tenants, kEmails) {}

  std::vector<Measure> Run() {
    MeasureDepth();
    MeasureLoop();
    Add("drain, last ÷ first", Decay(), "ratio", Goal{0.8, Better::kHigher});
    rows_.HoldSnapshot();
    Add("drain with a snapshot held, last ÷ first", Decay(), "ratio", Goal{0.8, Better::kHigher});
    rows_.ReleaseSnapshot();
    MeasureCritical();
    return std::move(measures_);
  }

 private:
  void Add(const std::string& name, double value, const std::string& unit,
           absl::optional<Goal> goal = absl::nullopt) {
    measures_.push_back({name, value, unit, goal});
  }

  // How many were claimed and are gone again.
  int ClaimAndDelete(storage::QueueStore& queue, std::vector<double>* milliseconds = nullptr) {
    const absl::Time start = absl::Now();
    const auto claimed = queue.Claim(Lane::kBulk, kBatch, kLease, {});
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

  double MedianClaim() {
    storage::PostgresQueueStore queue(pool_, keys_);
    std::vector<double> milliseconds;
    for (int i = 0; i < kClaims; ++i) ClaimAndDelete(queue, &milliseconds);
    milliseconds.erase(milliseconds.begin(), milliseconds.begin() + kClaims / 8);  // warming up
    return Median(std::move(milliseconds));
  }

  void MeasureDepth() {
    rows_.Empty();
    rows_.Queue(Lane::kBulk, options_.shallow);
    const double shallow = MedianClaim();
    rows_.Empty();
    rows_.Queue(Lane::kBulk, options_.shallow);
    rows_.Lengthen(Lane::kBulk, options_.deep - options_.shallow);
    const double deep = MedianClaim();
    Add(absl::StrCat("claim of 100 of ", options_.shallow), shallow, "ms");
    Add(absl::StrCat("claim of 100 of ", options_.deep), deep, "ms");
    Add("claim, deep ÷ shallow", deep / shallow, "ratio", Goal{1.3, Better::kLower});
  }

  void MeasureLoop() {
    rows_.Empty();
    Add("claim and delete", Drain(options_.slice).at(0), "1/s");
  }

  // The rate over a drain's last slice divided by that over its first.
  double Decay() {
    rows_.Empty();
    const std::vector<double> rates = Drain(options_.drain);
    Add(absl::StrCat("drain, slice 1 of ", rates.size()), rates.front(), "1/s");
    Add(absl::StrCat("drain, slice ", rates.size()), rates.back(), "1/s");
    return rates.back() / rates.front();
  }

  // Emails a second, slice by slice, while the queue is kept filled and vacuumed.
  std::vector<double> Drain(absl::Duration length) {
    // So few that it is being filled from the first second on, as later.
    rows_.Queue(Lane::kBulk, kBacklogMin);
    std::atomic<bool> stopping{false};
    std::atomic<int64_t> done{0}, queued{kBacklogMin};
    std::vector<std::thread> threads;
    storage::PostgresQueueStore queue(pool_, keys_);
    for (int i = 0; i < kLoopThreads; ++i) {
      threads.emplace_back([&] {
        while (!stopping) done += ClaimAndDelete(queue);
      });
    }
    threads.emplace_back([&] {
      for (absl::Time next = absl::Now(); !stopping; absl::SleepFor(absl::Milliseconds(20))) {
        if (queued - done < kBacklogMin) {
          rows_.Queue(Lane::kBulk, kBacklogMin / 2);
          queued += kBacklogMin / 2;
        }
        if (absl::Now() < next) continue;
        maintenance_.VacuumQueue().IgnoreError();
        next = absl::Now() + kVacuumPause;
      }
    });
    const int slices = std::max(1, static_cast<int>(length / options_.slice));
    std::vector<double> rates;
    for (int i = 0; i < slices; ++i) {
      const int64_t before = done;
      const absl::Time start = absl::Now();
      absl::SleepFor(options_.slice);
      rates.push_back(static_cast<double>(done - before) /
                      absl::ToDoubleSeconds(absl::Now() - start));
    }
    stopping = true;
    for (std::thread& thread : threads) thread.join();
    return rates;
  }

  double CriticalClaim() {
    storage::PostgresQueueStore queue(pool_, keys_);
    std::vector<double> milliseconds;
    for (int i = 0; i < kCriticalRounds; ++i) {
      rows_.Queue(Lane::kCritical, 1);
      const absl::Time start = absl::Now();
      const auto claimed = queue.Claim(Lane::kCritical, 1, kLease, {});
      milliseconds.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
      if (!claimed.ok() || claimed->size() != 1) {
        throw std::runtime_error("the CRITICAL email was not claimed");
      }
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[milliseconds.size() * 99 / 100];
  }

  void MeasureCritical() {
    rows_.Empty();
    const double alone = CriticalClaim();
    rows_.Empty();
    rows_.Lengthen(Lane::kBulk, options_.bulk);
    const double beside = CriticalClaim();
    Add("CRITICAL claim p99", alone, "ms");
    Add(absl::StrCat("CRITICAL claim p99 beside ", options_.bulk, " BULK"), beside, "ms");
    Add("CRITICAL claim p99, beside ÷ alone", beside / alone, "ratio", Goal{2, Better::kLower});
  }

  const QueueBenchOptions options_;
  const storage::MasterKeys master_keys_;
  storage::ConnectionPool pool_;
  storage::ConnectionPool vacuum_pool_;
  storage::TenantKeys keys_;
  storage::PostgresQueueMaintenance maintenance_;
  QueueRows rows_;
  std::vector<Measure> measures_;
};

}  // namespace

absl::StatusOr<std::vector<Measure>> RunQueueBench(const QueueBenchOptions& options) {
  try {
    return QueueBench(options).Run();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("queue benchmark: ", error.what()));
  }
}

}  // namespace herald::bench
