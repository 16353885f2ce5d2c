#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <pqxx/pqxx>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/delivery/drain.h"
#include "bench/delivery/drain_parts.h"
#include "bench/delivery/timed_chunk_store.h"
#include "bench/ingest/costs.h"

namespace herald::bench {
namespace {

double ResidentMegabytes() {
  std::ifstream file("/proc/self/statm");
  long size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGE_SIZE)) / 1e6;
}

// Rendering on one thread, without the others: the processor time of it alone.
absl::Status MeasureRendering(World& world, std::vector<Measure>& measures) {
  if (absl::Status status = world.Accept(Lane::kBulk, 100); !status.ok()) return status;
  auto claimed = world.chunks().Claim(Lane::kBulk, 1, absl::Minutes(1), {});
  if (!claimed.ok()) return claimed.status();
  constexpr int kRounds = 100;
  std::vector<providers::OutboundMessage> messages;
  absl::Duration used = CpuTimeOf({getpid()});
  for (int i = 0; i < kRounds; ++i) {
    messages.clear();
    for (const storage::LeasedEmail& member : claimed->at(0).members) {
      messages.push_back(*world.renderer().Render(member));
    }
  }
  const auto note = [&](const char* what) {
    const absl::Duration now = CpuTimeOf({getpid()});
    measures.push_back({what, absl::ToDoubleMicroseconds(now - used) / (100 * kRounds), "us", {}});
    used = now;
  };
  note("CPU of rendering per email");
  for (int i = 0; i < kRounds; ++i) world.provider().PrepareBatch(messages, "bench");
  note("CPU of writing the request per email");
  return world.chunks().ReturnLeases({claimed->at(0).lease});
}

}  // namespace

absl::StatusOr<double> NoOpLoop(World& world, int64_t rows) {
  world.Query(absl::StrCat(
      "INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time) SELECT 1, n, 3, "
      "now(), now() + interval '1 day' FROM generate_series(1, ",
      rows, ") n"));
  world.Query("VACUUM ANALYZE herald.queue");
  std::atomic<int64_t> done{0};
  const auto loop = [&] {
    pqxx::connection connection(world.Dsn());
    while (true) {
      pqxx::work claim(connection);
      const pqxx::result rows_claimed = claim.exec(
          "UPDATE herald.queue q SET lease_until = now() + interval '90 s', lease_token = 1 "
          "WHERE q.ctid = ANY (ARRAY(SELECT d.ctid FROM herald.queue d WHERE d.lane = 3 AND "
          "d.tenant_id = 1 AND d.lease_until IS NULL AND d.run_at <= now() ORDER BY d.run_at, "
          "d.email_id LIMIT 100 "
          "FOR UPDATE SKIP LOCKED)) RETURNING email_id");
      claim.commit();
      if (rows_claimed.empty()) return;
      std::string ids = "{";
      for (const auto& row : rows_claimed)
        absl::StrAppend(&ids, ids.size() > 1 ? "," : "", row[0].c_str());
      pqxx::work remove(connection);
      remove.exec_params(
          "DELETE FROM herald.queue WHERE tenant_id = 1 AND email_id = ANY ($1::bigint[])",
          ids + "}");
      remove.commit();
      done += static_cast<int64_t>(rows_claimed.size());
    }
  };
  const absl::Time begin = absl::Now();
  std::thread other(loop);
  loop();
  other.join();
  return static_cast<double>(done) / absl::ToDoubleSeconds(absl::Now() - begin);
}

absl::StatusOr<std::vector<Measure>> DrainChunks(World& world, int64_t emails, double noop_rate) {
  delivery::DeliveryObserver observer;
  std::vector<Measure> measures;
  if (absl::Status status = MeasureRendering(world, measures); !status.ok()) return status;
  TimedChunkStore chunks(world.chunks());
  delivery::DeliveryParts parts = PartsOf(world, observer);
  parts.chunks = &chunks;
  const auto make = [&] {
    return std::make_unique<delivery::Engine>(std::map<Lane, delivery::Engine::LaneSetup>{
        {Lane::kBulk, {delivery::DefaultLanePolicy(Lane::kBulk), parts}}});
  };
  auto engine = make();
  if (absl::Status status = WarmUp(world, Lane::kBulk, *engine); !status.ok()) return status;
  engine.reset();
  if (absl::Status status = world.Accept(Lane::kBulk, emails); !status.ok()) return status;
  const int64_t taken_before = world.Taken();
  const absl::Duration claiming = chunks.claiming(), beginning = chunks.beginning(),
                       recording = chunks.recording();
  engine = make();
  const Costs costs(world);
  const absl::Time begin = absl::Now();
  double early_memory = 0;
  while (const int64_t waiting = Waiting(world)) {
    if (early_memory == 0 && waiting * 100 < emails * 4 / 5) early_memory = ResidentMegabytes();
    absl::SleepFor(kPoll);
  }
  const absl::Duration took = absl::Now() - begin;
  costs.Add("chunks", emails, measures);
  const double rate = static_cast<double>(emails) / absl::ToDoubleSeconds(took);
  const double late_memory = ResidentMegabytes();
  engine->Drain(absl::Now() + absl::Seconds(5));
  if (absl::Status status = CheckTaken(world, taken_before, emails); !status.ok()) return status;
  const auto per_email = [&](absl::Duration total) {
    return absl::ToDoubleMicroseconds(total) / static_cast<double>(emails);
  };
  measures.push_back(
      {"claim, wall time per email", per_email(chunks.claiming() - claiming), "us", {}});
  measures.push_back(
      {"begin, wall time per email", per_email(chunks.beginning() - beginning), "us", {}});
  measures.push_back(
      {"record, wall time per email", per_email(chunks.recording() - recording), "us", {}});
  measures.push_back({"drain, batch calls", rate, "emails/s", Goal{20'000, Better::kHigher}});
  measures.push_back({"no-op loop", noop_rate, "rows/s", absl::nullopt});
  measures.push_back({"drain / no-op loop", rate / noop_rate, "ratio", Goal{0.3, Better::kHigher}});
  measures.push_back({"memory at the end / after a fifth",
                      late_memory / std::max(early_memory, 1.0), "ratio",
                      Goal{1.2, Better::kLower}});
  return measures;
}

}  // namespace herald::bench
