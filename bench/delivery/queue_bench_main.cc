// bench-queue: the queue's part of the delivery benchmark by itself, on a database of its own.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "bench/delivery/queue_bench.h"
#include "storage/postgres/migrations.h"
#include "tests/support/postgres_cluster.h"

int main(int argc, char** argv) {
  using namespace herald;  // NOLINT: a main of a few lines
  CLI::App app("How fast the queue is, and whether it stays so");
  bench::QueueBenchOptions options;
  double slice = 10, drain = 60, seconds = 5;
  int rounds = 1;
  std::string json;
  app.add_option("--deep", options.deep, "Emails of the deep queue");
  app.add_option("--bulk", options.bulk, "BULK emails beside a CRITICAL one");
  app.add_option("--slice", slice, "Seconds of a slice");
  app.add_option("--drain", drain, "Seconds of a drain; the goal is meant for 600");
  app.add_option("--seconds", seconds, "Below 5: that much less of everything");
  app.add_option("--rounds", rounds, "Not used: the drains are long");
  app.add_option("--json", json, "File for the measures");
  CLI11_PARSE(app, argc, argv);
  const double scale = std::min(seconds / 5, 1.0);
  options.slice = absl::Seconds(slice * scale);
  options.drain = absl::Seconds(drain * scale);
  for (int64_t* count : {&options.deep, &options.bulk}) {
    *count = std::max(static_cast<int64_t>(static_cast<double>(*count) * scale), options.shallow);
  }

  support::PostgresOptions database;
  database.durable = true;
  database.settings = {"shared_buffers=1GB", "max_wal_size=8GB"};
  const auto cluster = support::PostgresCluster::Create(database);
  if (!cluster.ok()) {
    std::cerr << cluster.status() << std::endl;
    return 1;
  }
  absl::Status status;
  for (std::string* dsn : {&options.dsn, &options.twin_dsn}) {
    const auto name = (*cluster)->CreateDatabase();
    if (name.ok()) *dsn = (*cluster)->Dsn(*name);
    if (status.ok()) status = name.ok() ? storage::Migrate(*dsn) : name.status();
  }
  if (status.ok()) {
    const auto measures = bench::RunQueueBench(options);
    status = measures.status();
    if (status.ok()) {
      for (const bench::Measure& m : *measures) {
        std::cout << m.name << ": " << m.value << " " << m.unit << "\n";
      }
      if (!json.empty()) status = bench::WriteJson(json, *measures);
    }
  }
  if (!status.ok()) std::cerr << status << std::endl;
  return status.ok() ? 0 : 1;
}
