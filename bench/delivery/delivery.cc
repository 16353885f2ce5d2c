// bench-delivery: how fast Herald delivers what it has accepted. scripts/bench delivery runs it;
// docs/benchmarks.md explains the results.
//
// Three processes share the machine: PostgreSQL, which writes every commit to the disk; an emulated
// Resend that writes down what it takes before it answers; and this one, with heraldd's delivery
// engine, stores and HTTP client put together as heraldd does it.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "bench/delivery/drain.h"

namespace herald::bench {
namespace {

struct Options {
  int64_t emails = 200'000;
  int64_t singles = 400'000;
  int64_t bulk = 1'000'000;
  int critical = 3000;
  std::string only;
  std::string json;
};

absl::StatusOr<std::vector<Measure>> Run(const Options& options) {
  const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  auto world = World::Create(programs);
  if (!world.ok()) return world.status();
  std::vector<Measure> all;
  const auto add = [&](absl::StatusOr<std::vector<Measure>> measures) -> absl::Status {
    if (!measures.ok()) return measures.status();
    for (const Measure& measure : *measures) {
      std::cerr << absl::StreamFormat("  %-56s %12.2f %s\n", measure.name, measure.value,
                                      measure.unit);
      all.push_back(measure);
    }
    return absl::OkStatus();
  };
  if (options.only.empty() || options.only == "chunks") {
    const absl::StatusOr<double> noop = NoOpLoop(**world, options.emails);
    if (!noop.ok()) return noop.status();
    if (auto status = add(DrainChunks(**world, options.emails, *noop)); !status.ok()) return status;
  }
  if (options.only.empty() || options.only == "singles") {
    if (auto status = add(DrainSingles(**world, options.singles)); !status.ok()) return status;
  }
  if (options.only.empty() || options.only == "critical") {
    if (auto status = add(CriticalBesideBulk(**world, options.bulk, options.critical));
        !status.ok()) {
      return status;
    }
  }
  return all;
}

int Main(int argc, char** argv) {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  Options options;
  double seconds = 5;
  int rounds = 1;
  CLI::App app("How fast Herald delivers");
  app.add_option("--emails", options.emails, "Emails drained through batch calls")
      ->capture_default_str();
  app.add_option("--singles", options.singles, "Emails drained one request each")
      ->capture_default_str();
  app.add_option("--bulk", options.bulk, "BULK emails beside CRITICAL ones")->capture_default_str();
  app.add_option("--critical", options.critical, "CRITICAL emails")->capture_default_str();
  app.add_option("--only", options.only, "chunks, singles or critical");
  app.add_option("--seconds", seconds, "Below 5: that much less of everything");
  app.add_option("--rounds", rounds, "Not used: the drains are long");
  app.add_option("--json", options.json, "File for the results");
  CLI11_PARSE(app, argc, argv);
  if (seconds < 5) {
    for (int64_t* count : {&options.emails, &options.singles, &options.bulk}) {
      *count =
          std::max<int64_t>(static_cast<int64_t>(static_cast<double>(*count) * seconds / 5), 5000);
    }
  }
  absl::StatusOr<std::vector<Measure>> measures = Run(options);
  if (!measures.ok()) {
    std::cerr << "bench-delivery: " << measures.status().message() << "\n";
    return 1;
  }
  if (options.json.empty()) return 0;
  const absl::Status written = WriteJson(options.json, *measures);
  if (!written.ok()) std::cerr << written.message() << "\n";
  return written.ok() ? 0 : 1;
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) { return herald::bench::Main(argc, argv); }
