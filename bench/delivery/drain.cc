#include "bench/delivery/drain.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <pqxx/pqxx>
#include <thread>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/delivery/timed_chunk_store.h"
#include "bench/ingest/costs.h"
#include "server/delivery/engine.h"

namespace herald::bench {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(50);
constexpr int kHttpInFlight = 256;

double Uniform() {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

delivery::DeliveryParts PartsOf(World& world, delivery::DeliveryObserver& observer) {
  delivery::DeliveryParts parts;
  parts.store = &world.queue();
  parts.renderer = &world.renderer();
  parts.router = &world.router();
  parts.observer = &observer;
  parts.clock = absl::Now;
  parts.random = Uniform;
  return parts;
}

// Rows in the two places an email can wait. Over one connection: a process for each question would
// cost more than the drain.
int64_t Waiting(const World& world) {
  static pqxx::connection* const connection = new pqxx::connection(world.Dsn());
  pqxx::nontransaction question(*connection);
  return question
      .exec(
          "SELECT (SELECT count(*) FROM herald.queue) + (SELECT count(*) FROM herald.chunks)")[0][0]
      .as<int64_t>();
}

double ResidentMegabytes() {
  std::ifstream file("/proc/self/statm");
  long size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGE_SIZE)) / 1e6;
}

// Processor time of the parties to a delivery, by email.
class Costs {
 public:
  explicit Costs(const World& world)
      : world_(world), database_(world.DatabasePids()), before_(Now()) {}
  void Add(const std::string& what, int64_t emails, std::vector<Measure>& measures) const {
    const std::vector<absl::Duration> now = Now();
    const char* parties[] = {"delivery engine", "PostgreSQL", "emulator"};
    for (size_t i = 0; i < now.size(); ++i) {
      measures.push_back(
          {absl::StrCat("CPU of the ", parties[i], " per email, ", what),
           absl::ToDoubleMicroseconds(now[i] - before_[i]) / static_cast<double>(emails), "us",
           absl::nullopt});
    }
  }

 private:
  std::vector<absl::Duration> Now() const {
    return {CpuTimeOf({getpid()}), CpuTimeOf(database_), CpuTimeOf({world_.emulator_pid()})};
  }
  const World& world_;
  const std::vector<pid_t> database_;
  const std::vector<absl::Duration> before_;
};

absl::Status CheckTaken(const World& world, int64_t taken_before, int64_t emails) {
  const int64_t taken = world.Taken() - taken_before;
  if (taken == emails) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the emulator took ", taken, " of ", emails, " emails"));
}

// Opens the connections and fills the caches.
absl::Status WarmUp(World& world, Lane lane, delivery::Engine& engine) {
  if (absl::Status status = world.Accept(lane, 500); !status.ok()) return status;
  engine.Wake(lane);
  while (Waiting(world) > 0) absl::SleepFor(kPoll);
  return absl::OkStatus();
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

namespace {

// Emails a second of a drain at one request each; its costs go to `measures` as of `what`.
absl::StatusOr<double> DrainOneByOne(World& world, Lane lane, const std::string& what,
                                     int64_t emails, std::vector<Measure>& measures) {
  delivery::DeliveryObserver observer;
  delivery::LanePolicy policy = delivery::DefaultLanePolicy(lane);
  policy.workers = 2;
  delivery::DeliveryParts parts = PartsOf(world, observer);
  parts.router = &world.singles_router();
  TimedChunkStore chunks(world.chunks());
  if (lane == Lane::kBulk) parts.chunks = &chunks;
  const auto make = [&] {
    return std::make_unique<delivery::Engine>(
        std::map<Lane, delivery::Engine::LaneSetup>{{lane, {policy, parts}}});
  };
  auto engine = make();
  if (absl::Status status = WarmUp(world, lane, *engine); !status.ok()) return status;
  engine.reset();
  if (absl::Status status = world.Accept(lane, emails); !status.ok()) return status;
  const int64_t taken_before = world.Taken();
  const Costs costs(world);
  const absl::Time begin = absl::Now();
  engine = make();
  while (Waiting(world) > 0) absl::SleepFor(kPoll);
  const double rate = static_cast<double>(emails) / absl::ToDoubleSeconds(absl::Now() - begin);
  costs.Add(what, emails, measures);
  engine->Drain(absl::Now() + absl::Seconds(5));
  if (absl::Status status = CheckTaken(world, taken_before, emails); !status.ok()) return status;
  measures.push_back({absl::StrCat("drain, ", what), rate, "emails/s", absl::nullopt});
  return rate;
}

// Requests a second of the HTTP client alone.
double HttpAlone(World& world, int64_t requests) {
  providers::HttpRequest request;
  request.url = absl::StrCat(world.emulator_url(), "/emails");
  request.headers = {{"Content-Type", "application/json"}, {"User-Agent", "bench"}};
  request.body = absl::StrCat(R"({"x":")", std::string(3000, 'x'), R"("})");
  request.timeout = absl::Seconds(20);
  absl::Mutex mutex;
  int in_flight = 0;
  const auto room = [&in_flight] { return in_flight < kHttpInFlight; };
  const auto idle = [&in_flight] { return in_flight == 0; };
  const absl::Time begin = absl::Now();
  for (int64_t i = 0; i < requests; ++i) {
    {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(&room));
      ++in_flight;
    }
    world.http().Send(request, [&](const providers::HttpResponse&) {
      absl::MutexLock lock(&mutex);
      --in_flight;
    });
  }
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(&idle));
  return static_cast<double>(requests) / absl::ToDoubleSeconds(absl::Now() - begin);
}

}  // namespace

absl::StatusOr<std::vector<Measure>> DrainSingles(World& world, int64_t emails) {
  std::vector<Measure> measures;
  const auto bulk = DrainOneByOne(world, Lane::kBulk, "BULK in single requests", emails, measures);
  if (!bulk.ok()) return bulk.status();
  const Costs http_costs(world);
  const double http = HttpAlone(world, emails);
  http_costs.Add("HTTP engine alone", emails, measures);
  measures.push_back({"HTTP engine alone", http, "1/s", absl::nullopt});
  measures.push_back({"drain, BULK in single requests / HTTP engine", *bulk / http, "ratio",
                      Goal{0.6, Better::kHigher}});
  const auto standard =
      DrainOneByOne(world, Lane::kStandard, "STANDARD in single requests", emails, measures);
  if (!standard.ok()) return standard.status();
  measures.push_back({"drain, STANDARD in single requests / HTTP engine", *standard / http, "ratio",
                      absl::nullopt});
  return measures;
}

namespace {

// In milliseconds.
class Times {
 public:
  void Add(absl::Duration took) { values_.push_back(absl::ToDoubleMilliseconds(took)); }
  size_t size() const { return values_.size(); }
  double Percentile(size_t percent) {
    if (values_.empty()) return 0;
    std::sort(values_.begin(), values_.end());
    return values_[values_.size() * percent / 100];
  }

 private:
  std::vector<double> values_;
};

// Times CRITICAL emails from acceptance to the provider's answer.
class CriticalTimes : public delivery::DeliveryObserver {
 public:
  struct Taken {
    Times all;
    Times hand_over;  // of it, from the request to the answer
  };

  void OnHandedOver(const storage::LeasedEmail& email, absl::string_view, int,
                    const providers::SendResult&, absl::Duration hand_over) override {
    if (email.lane != Lane::kCritical) return;
    const absl::Duration took = absl::Now() - email.create_time;
    absl::MutexLock lock(&mutex_);
    taken_.all.Add(took);
    taken_.hand_over.Add(hand_over);
  }
  Taken Take(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto all = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return taken_.all.size() >= count;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&all), absl::Seconds(60));
    return std::exchange(taken_, {});
  }

 private:
  absl::Mutex mutex_;
  Taken taken_ ABSL_GUARDED_BY(mutex_);
};

// One after the other, a hundred a second at most.
absl::StatusOr<Times> AcceptCritical(World& world, delivery::Engine& engine, int count) {
  Times took;
  for (int i = 0; i < count; ++i) {
    const absl::StatusOr<absl::Time> begin = world.AcceptOne(Lane::kCritical);
    if (!begin.ok()) return begin.status();
    took.Add(absl::Now() - *begin);
    engine.Wake(Lane::kCritical);
    absl::SleepFor(absl::Milliseconds(10));
  }
  return took;
}

}  // namespace

absl::StatusOr<std::vector<Measure>> CriticalBesideBulk(World& world, int64_t bulk, int critical) {
  CriticalTimes times;
  delivery::DeliveryParts parts = PartsOf(world, times);
  std::map<Lane, delivery::Engine::LaneSetup> lanes;
  parts.store = &world.critical_queue();
  lanes[Lane::kCritical] = {delivery::DefaultLanePolicy(Lane::kCritical), parts};
  parts.store = &world.queue();
  parts.chunks = &world.chunks();
  lanes[Lane::kBulk] = {delivery::DefaultLanePolicy(Lane::kBulk), parts};

  std::vector<Measure> measures;
  double p99[2] = {0, 0};
  for (const bool beside : {false, true}) {
    if (beside) {
      if (absl::Status status = world.Accept(Lane::kBulk, bulk); !status.ok()) return status;
    }
    delivery::Engine engine(lanes);
    absl::StatusOr<Times> accepting = AcceptCritical(world, engine, critical);
    if (!accepting.ok()) return accepting.status();
    CriticalTimes::Taken taken = times.Take(static_cast<size_t>(critical));
    if (taken.all.size() != static_cast<size_t>(critical)) {
      return absl::InternalError("not every CRITICAL email was handed over");
    }
    p99[beside] = taken.all.Percentile(99);
    const std::string name =
        absl::StrCat("CRITICAL accept to provider, ", beside ? "beside BULK" : "alone");
    const auto note = [&](absl::string_view what, Times& stage) {
      for (const size_t percent : {50, 99}) {
        measures.push_back(
            {absl::StrCat(name, what, ", p", percent), stage.Percentile(percent), "ms", {}});
      }
    };
    note("", taken.all);
    note(", of it acceptance", *accepting);
    note(", of it hand-over", taken.hand_over);
    if (beside) {
      measures.push_back({"BULK still queued at the end", static_cast<double>(Waiting(world) * 100),
                          "emails", absl::nullopt});
    }
    engine.Drain(absl::Now() + absl::Seconds(10));
  }
  measures.push_back({"CRITICAL p99, beside BULK / alone", p99[1] / std::max(p99[0], 0.01), "ratio",
                      Goal{2, Better::kLower}});
  return measures;
}

}  // namespace herald::bench
