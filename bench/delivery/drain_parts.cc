#include "bench/delivery/drain_parts.h"

#include <unistd.h>

#include <pqxx/pqxx>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/ingest/costs.h"

namespace herald::bench {
namespace {

double Uniform() {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

}  // namespace

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

// Over one connection: a process for each question would cost more than the drain.
int64_t Waiting(const World& world) {
  static pqxx::connection* const connection = new pqxx::connection(world.Dsn());
  pqxx::nontransaction question(*connection);
  return question
      .exec(
          "SELECT (SELECT count(*) FROM herald.queue) + (SELECT count(*) FROM herald.chunks)")[0][0]
      .as<int64_t>();
}

absl::Status CheckTaken(const World& world, int64_t taken_before, int64_t emails) {
  const int64_t taken = world.Taken() - taken_before;
  if (taken == emails) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the emulator took ", taken, " of ", emails, " emails"));
}

absl::Status WarmUp(World& world, Lane lane, delivery::Engine& engine) {
  if (absl::Status status = world.Accept(lane, 500); !status.ok()) return status;
  engine.Wake(lane);
  while (Waiting(world) > 0) absl::SleepFor(kPoll);
  return absl::OkStatus();
}

Costs::Costs(const World& world) : world_(world), database_(world.DatabasePids()), before_(Now()) {}

void Costs::Add(const std::string& what, int64_t emails, std::vector<Measure>& measures) const {
  const std::vector<absl::Duration> now = Now();
  const char* parties[] = {"delivery engine", "PostgreSQL", "emulator"};
  for (size_t i = 0; i < now.size(); ++i) {
    measures.push_back(
        {absl::StrCat("CPU of the ", parties[i], " per email, ", what),
         absl::ToDoubleMicroseconds(now[i] - before_[i]) / static_cast<double>(emails), "us",
         absl::nullopt});
  }
}

std::vector<absl::Duration> Costs::Now() const {
  return {CpuTimeOf({getpid()}), CpuTimeOf(database_), CpuTimeOf({world_.emulator_pid()})};
}

}  // namespace herald::bench
