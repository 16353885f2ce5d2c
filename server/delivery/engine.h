#pragma once

#include <map>
#include <memory>

#include "server/delivery/chunk_worker.h"
#include "server/delivery/lane_worker.h"

namespace herald::delivery {

// The delivery engine: one worker a lane, so that no lane waits for a thread, a claim or an
// in-flight slot of another. Runs from construction to Drain. Destroy the providers between Drain
// and the engine's destruction: what is still in flight then gets its outcome and is recorded.
class Engine {
 public:
  struct LaneSetup {
    LanePolicy policy;
    DeliveryParts parts;  // its store: a lane may have database connections of its own;
                          // `urgent` is set by the engine
  };
  explicit Engine(const std::map<Lane, LaneSetup>& lanes);

  // Emails of `lane` fell due just now. Thread-safe, never blocks.
  void Wake(Lane lane);
  // See LaneWorker::Drain. True when every lane is empty. Call once.
  bool Drain(absl::Time deadline);

 private:
  void Start(Lane lane, const LaneSetup& setup);

  UrgentTraffic urgent_;
  std::map<Lane, std::unique_ptr<LaneWorker>> workers_;
  std::map<Lane, std::unique_ptr<ChunkWorker>> chunk_workers_;  // of lanes with chunks
};

}  // namespace herald::delivery
