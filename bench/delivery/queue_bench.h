#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/measure.h"

namespace herald::bench {

struct QueueBenchOptions {
  // Two databases for QueueLoop, and of the same server, which a snapshot in one does not bind to
  // keep what is dead in the other.
  std::string dsn;
  std::string twin_dsn;
  int tenants = 50;
  int64_t deep = 5'000'000;                  // emails queued for the deep claim
  int64_t shallow = 10'000;                  // and for the shallow one
  int64_t bulk = 1'000'000;                  // BULK emails beside a CRITICAL one
  int64_t finished_chunks = 200'000;         // under a snapshot
  absl::Duration slice = absl::Seconds(10);  // of each end of a drain
  absl::Duration drain = absl::Minutes(1);   // the goal is meant for ten minutes
};

// The queue alone, through its store, without rendering or hand-over: claims of 100 with few and
// many emails queued; whether a loop of claim and delete slows down over time, also while a
// snapshot is held open; claims of chunks after very many were finished under a snapshot; and how
// long a CRITICAL email takes to be claimed with a long BULK line beside it and without.
absl::StatusOr<std::vector<Measure>> RunQueueBench(const QueueBenchOptions& options);

}  // namespace herald::bench
