#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/delivery/world.h"
#include "bench/measure.h"
#include "server/delivery/delivery_observer.h"
#include "server/delivery/engine.h"

// What the drains of drain.h share.
namespace herald::bench {

// How often a drain looks whether it is over.
inline constexpr absl::Duration kPoll = absl::Milliseconds(50);

// For batch calls, without chunks. `observer` must outlive the engine.
delivery::DeliveryParts PartsOf(World& world, delivery::DeliveryObserver& observer);

// Rows in the two places an email can wait.
int64_t Waiting(const World& world);

// Opens the connections and fills the caches: a few emails, until nothing waits.
absl::Status WarmUp(World& world, Lane lane, delivery::Engine& engine);

// An error unless the emulator has taken `emails` since it had taken `taken_before`.
absl::Status CheckTaken(const World& world, int64_t taken_before, int64_t emails);

// Processor time of the parties to a delivery, by email, since its construction.
class Costs {
 public:
  explicit Costs(const World& world);
  void Add(const std::string& what, int64_t emails, std::vector<Measure>& measures) const;

 private:
  std::vector<absl::Duration> Now() const;

  const World& world_;
  const std::vector<pid_t> database_;
  const std::vector<absl::Duration> before_;
};

}  // namespace herald::bench
