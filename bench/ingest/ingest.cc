// bench-ingest: how fast Herald takes emails, in figures of this machine and as ratios that carry
// over to others. scripts/bench ingest runs it; docs/benchmarks.md explains the results.
//
// Three processes share the machine: PostgreSQL, which writes every commit to the disk; heraldd
// with the API's role alone; and this one, the load generator. Measured in turns, since a machine
// drifts; of the turns' figures, and of the turns' ratios, the median counts:
//
//   echo         SendEmail on heraldd's own gRPC shell, authentication included, over an acceptor
//                that answers at once: an RPC of the same size that does nothing
//   bulk         the rows of such emails, sealed already, by heraldd's own statements in groups of
//                500 over two connections, and nothing else
//   SendEmail    the full path: authenticate, validate, pin the template, hash, seal, commit
//   SendEmails   the same, 500 emails a call, 8 calls in flight
//   ungated      SendEmail by a heraldd whose statement of acceptance does not ask whether the
//                recipient may be written to
//   limit        1 / (1/echo + 1/bulk): the rate if acceptance cost nothing but the RPC and the
//   rows
//
// Every email has an idempotency key of its own. A failed call or item counts as failed wherever it
// happens, and so does an acknowledged email that is not in the database at the end.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "bench/ingest/bulk_insert.h"
#include "bench/ingest/costs.h"
#include "bench/ingest/load.h"
#include "bench/ingest/service.h"
#include "bench/measure.h"

namespace herald::bench {
namespace {

constexpr char kServiceRun[] = "api";
constexpr char kUngatedRun[] = "ungated";
constexpr char kBulkRun[] = "sql";
constexpr char kGateRatio[] = "SendEmail / without the gate";
constexpr int kManyInFlight = 32;
constexpr int kMostInFlight = 256;
constexpr int kBatch = 500;
constexpr int kBatchesInFlight = 8;

struct Options {
  double seconds = 5;
  int rounds = 4;  // even, see Round
  std::string json;
};

// The figures of all rounds, by the name of the measure.
class Figures {
 public:
  void Add(const std::string& name, double value) { by_name_[name].push_back(value); }

  Measure MedianOf(const std::string& name, const std::string& unit,
                   absl::optional<Goal> goal = absl::nullopt) const {
    const auto found = by_name_.find(name);
    return {name, found == by_name_.end() ? 0 : Median(found->second), unit, goal};
  }

 private:
  std::map<std::string, std::vector<double>> by_name_;
};

class Ingest {
 public:
  Ingest(const Service& service, const Options& options)
      : service_(service),
        rounds_(options.rounds),
        duration_(absl::Seconds(options.seconds)),
        warm_up_(duration_ / 4),
        herald_(service.target(), service.token(), kServiceRun),
        echo_(service.echo_target(), service.token(), kServiceRun),
        ungated_(service.ungated_target(), service.token(), kUngatedRun) {}

  absl::StatusOr<std::vector<Measure>> Run() {
    // One email for the bulk insert to copy; it opens the connections and fills the caches too.
    Load(herald_, {1, 0, absl::ZeroDuration(), absl::Seconds(1)});
    Load(echo_, {1, 0, absl::ZeroDuration(), absl::Milliseconds(200)});
    Load(ungated_, {1, 0, absl::ZeroDuration(), absl::Seconds(1)});
    auto bulk =
        BulkInsert::Create(service_.Dsn(), OrderConfirmations(kServiceRun).Key(1), kBulkRun);
    if (!bulk.ok()) return bulk.status();
    if (absl::Status status = service_.StopAutovacuum(); !status.ok()) return status;
    for (int round = 1; round <= rounds_; ++round) {
      std::cerr << absl::StreamFormat("round %d of %d\n", round, rounds_);
      if (absl::Status status = Round(**bulk, round % 2 == 0); !status.ok()) return status;
    }
    const absl::StatusOr<int64_t> stored =
        service_.CountEmails(absl::StrCat("order-confirmation:", kServiceRun, ":"));
    if (!stored.ok()) return stored.status();
    if (*stored < acknowledged_) failed_ += acknowledged_ - *stored;
    return Measures();
  }

 private:
  // What the ratios of a turn are formed of.
  struct Turn {
    double echo = 0, bulk = 0, single = 0, ungated = 0, batches = 0;
  };

  // Every other turn goes backwards: what is measured later pays for larger tables, and for memory
  // that nobody has touched before, which two such turns spread evenly.
  absl::Status Round(BulkInsert& bulk, bool backwards) {
    const absl::StatusOr<absl::Duration> commit = CommitTime(service_.Dsn());
    if (!commit.ok()) return commit.status();
    Note("one commit alone", absl::ToDoubleMilliseconds(*commit), "ms");
    Turn turn;
    std::vector<std::function<absl::Status()>> measures = {
        [&] { return Echo(turn); }, [&] { return Bulk(bulk, turn); }, [&] { return Single(turn); },
        [&] { return Ungated(turn); }, [&] { return Batches(turn); }};
    if (backwards) std::reverse(measures.begin(), measures.end());
    for (const auto& measure : measures) {
      if (absl::Status status = service_.CleanUp(); !status.ok()) return status;
      if (absl::Status status = measure(); !status.ok()) return status;
    }
    One(echo_, "echo", kManyInFlight);
    One(herald_, "SendEmail", kManyInFlight);
    const double limit = turn.echo > 0 && turn.bulk > 0 ? 1 / (1 / turn.echo + 1 / turn.bulk) : 0;
    Note("limit", limit, "1/s");
    NoteRatio("SendEmail / limit", turn.single, limit);
    NoteRatio(kGateRatio, turn.single, turn.ungated);
    NoteRatio("SendEmails / bulk insert", turn.batches, turn.bulk);
    return absl::OkStatus();
  }

  absl::Status Echo(Turn& turn) {
    const absl::Duration used = CpuTimeOf({service_.echo_pid()});
    const LoadResult result = One(echo_, "echo", kMostInFlight);
    NoteCost("CPU of the echo server per call", CpuTimeOf({service_.echo_pid()}) - used, result);
    turn.echo = result.calls_per_second;
    return absl::OkStatus();
  }

  absl::Status Bulk(BulkInsert& bulk, Turn& turn) {
    const absl::StatusOr<double> rows = bulk.Run(warm_up_, duration_);
    if (!rows.ok()) return rows.status();
    Note("bulk insert", *rows, "rows/s");
    turn.bulk = *rows;
    return absl::OkStatus();
  }

  absl::Status Single(Turn& turn) {
    const absl::Duration used = CpuTimeOf({service_.heraldd_pid()});
    const absl::Duration used_by_database = DatabaseTime();
    const LoadResult result = One(herald_, "SendEmail", kMostInFlight);
    NoteCost("CPU of heraldd per SendEmail", CpuTimeOf({service_.heraldd_pid()}) - used, result);
    NoteCost("CPU of PostgreSQL per SendEmail", DatabaseTime() - used_by_database, result);
    turn.single = result.calls_per_second;
    return absl::OkStatus();
  }

  // What SendEmail would be without the gate.
  absl::Status Ungated(Turn& turn) {
    const absl::Duration used = DatabaseTime();
    const LoadResult result = One(ungated_, "SendEmail ungated", kMostInFlight);
    NoteCost("CPU of PostgreSQL per SendEmail ungated", DatabaseTime() - used, result);
    turn.ungated = result.calls_per_second;
    return absl::OkStatus();
  }

  absl::Status Batches(Turn& turn) {
    const absl::Duration used = CpuTimeOf({service_.heraldd_pid()});
    const absl::Duration used_by_database = DatabaseTime();
    const LoadResult result = Load(herald_, {kBatchesInFlight, kBatch, warm_up_, duration_});
    Note("SendEmails", result.emails_per_second, "rows/s");
    NoteCost("CPU of heraldd per row of SendEmails", CpuTimeOf({service_.heraldd_pid()}) - used,
             result);
    NoteCost("CPU of PostgreSQL per row of SendEmails", DatabaseTime() - used_by_database, result);
    turn.batches = result.emails_per_second;
    return absl::OkStatus();
  }

  // A measurement of single calls, noted as "WHAT, N in flight".
  LoadResult One(LoadGenerator& generator, const std::string& what, int in_flight) {
    LoadResult result = Load(generator, {in_flight, 0, warm_up_, duration_});
    const std::string name = absl::StrCat(what, ", ", in_flight, " in flight");
    Note(name, result.calls_per_second, "1/s");
    Note(absl::StrCat(name, ", p50"), result.p50_ms, "ms");
    Note(absl::StrCat(name, ", p99"), result.p99_ms, "ms");
    return result;
  }

  // Of the sessions there are now. They last, so one that was opened since counts whole.
  absl::Duration DatabaseTime() const {
    return CpuTimeOf(service_.DatabasePids().value_or(std::vector<pid_t>()));
  }

  // What was used for a measurement, its warm-up included, by email.
  void NoteCost(const std::string& name, absl::Duration used, const LoadResult& result) {
    if (result.acknowledged == 0) return;
    Note(name, absl::ToDoubleMicroseconds(used) / static_cast<double>(result.acknowledged), "us");
    costs_.insert(name);
  }

  LoadResult Load(LoadGenerator& generator, const LoadShape& shape) {
    LoadResult result = generator.Run(shape);
    if (&generator == &herald_) acknowledged_ += result.acknowledged;
    for (const auto& [code, count] : result.failures) {
      std::cerr << absl::StreamFormat("  failed: %d with %s\n", count, code);
      failed_ += count;
    }
    return result;
  }

  void NoteRatio(const std::string& name, double value, double base) {
    Note(name, base > 0 ? value / base : 0, "ratio");
  }

  void Note(const std::string& name, double value, const char* unit) {
    std::cerr << absl::StreamFormat("  %-40s %12.2f %s\n", name, value, unit);
    figures_.Add(name, value);
  }

  std::vector<Measure> Measures() const {
    std::vector<Measure> list;
    for (const char* calls :
         {"echo, 32 in flight", "echo, 256 in flight", "SendEmail, 32 in flight",
          "SendEmail, 256 in flight", "SendEmail ungated, 256 in flight"}) {
      list.push_back(figures_.MedianOf(calls, "1/s"));
      list.push_back(figures_.MedianOf(absl::StrCat(calls, ", p50"), "ms"));
      list.push_back(figures_.MedianOf(absl::StrCat(calls, ", p99"), "ms"));
    }
    list.push_back(figures_.MedianOf("SendEmails", "rows/s"));
    list.push_back(figures_.MedianOf("bulk insert", "rows/s"));
    list.push_back(figures_.MedianOf("one commit alone", "ms"));
    for (const std::string& cost : costs_) list.push_back(figures_.MedianOf(cost, "us"));
    list.push_back(figures_.MedianOf("limit", "1/s"));
    list.push_back(figures_.MedianOf("SendEmail / limit", "ratio", Goal{0.75, Better::kHigher}));
    list.push_back(figures_.MedianOf(kGateRatio, "ratio", Goal{0.9, Better::kHigher}));
    list.push_back(
        figures_.MedianOf("SendEmails / bulk insert", "ratio", Goal{0.7, Better::kHigher}));
    list.push_back(
        {"failed calls", static_cast<double>(failed_), "count", Goal{0, Better::kLower}});
    return list;
  }

  const Service& service_;
  const int rounds_;
  const absl::Duration duration_;
  const absl::Duration warm_up_;
  LoadGenerator herald_;
  LoadGenerator echo_;
  LoadGenerator ungated_;
  Figures figures_;
  std::set<std::string> costs_;
  int64_t acknowledged_ = 0;
  int64_t failed_ = 0;
};

absl::Status Run(const Options& options) {
  const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::cerr << "starting PostgreSQL, heraldd and the echo server\n";
  const absl::StatusOr<std::unique_ptr<Service>> service = Service::Start(programs);
  if (!service.ok()) return service.status();
  if (absl::Status status = (*service)->StartUngated(programs); !status.ok()) return status;
  std::cerr << "heraldd has the process id " << (*service)->heraldd_pid() << "\n";
  Ingest ingest(**service, options);
  const absl::StatusOr<std::vector<Measure>> measures = ingest.Run();
  if (!measures.ok()) return measures.status();
  return WriteJson(options.json, *measures);
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
  // Debian builds Abseil to look for deadlocks at every lock of a Mutex, gRPC's included;
  // heraldd turns that off too.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app{"bench-ingest: how fast Herald takes emails"};
  herald::bench::Options options;
  app.add_option("--seconds", options.seconds, "of each measurement")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--rounds", options.rounds, "turns of all measurements")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--json", options.json, "file for the results")->required();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = herald::bench::Run(options);
  if (status.ok()) return 0;
  std::cerr << "bench-ingest: " << status.message() << "\n";
  return 1;
}
