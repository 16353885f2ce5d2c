#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/delivery/world.h"
#include "bench/measure.h"

namespace herald::bench {

// Each accepts what it needs and measures how fast it is delivered. Errors: the database failed, or
// the emulator's record does not match what was accepted.

// Claim and delete, and nothing else, of so many queue rows by two threads in hundreds: rows/s.
absl::StatusOr<double> NoOpLoop(World& world, int64_t rows);
// Chunks through the batch call.
absl::StatusOr<std::vector<Measure>> DrainChunks(World& world, int64_t emails, double noop_rate);
// One request an email, and by turns the HTTP engine alone with as many such requests.
absl::StatusOr<std::vector<Measure>> DrainSingles(World& world, int64_t emails);
// CRITICAL emails, one at a time, alone and while so many BULK emails wait and are delivered.
absl::StatusOr<std::vector<Measure>> CriticalBesideBulk(World& world, int64_t bulk, int critical);

}  // namespace herald::bench
