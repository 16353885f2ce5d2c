#include "server/delivery/engine.h"

#include <atomic>
#include <thread>
#include <vector>

#include "server/delivery/thread_priority.h"

namespace herald::delivery {

Engine::Engine(const std::map<Lane, LaneSetup>& lanes) {
  for (const auto& [lane, setup] : lanes) {
    if (setup.policy.low_priority) {
      // Threads inherit the priority of the one that starts them.
      std::thread([this, &lane = lane, &setup = setup] {
        LowerPriorityOfThisThread();
        Start(lane, setup);
      }).join();
    } else {
      Start(lane, setup);
    }
  }
}

void Engine::Start(Lane lane, const LaneSetup& setup) {
  DeliveryParts parts = setup.parts;
  parts.urgent = &urgent_;
  workers_[lane] = std::make_unique<LaneWorker>(lane, setup.policy, parts);
  if (parts.chunks == nullptr) return;
  chunk_workers_[lane] = std::make_unique<ChunkWorker>(lane, setup.policy, parts);
}

void Engine::Wake(Lane lane) {
  const auto worker = workers_.find(lane);
  if (worker != workers_.end()) worker->second->Wake();
  const auto chunks = chunk_workers_.find(lane);
  if (chunks != chunk_workers_.end()) chunks->second->Wake();
}

bool Engine::Drain(absl::Time deadline) {
  // All at once: a lane must not eat up the next one's time.
  std::vector<std::thread> drains;
  std::atomic<bool> empty{true};
  const auto drain = [&](auto* worker) {
    drains.emplace_back([&empty, deadline, worker] {
      if (!worker->Drain(deadline)) empty = false;
    });
  };
  for (auto& [lane, worker] : workers_) drain(worker.get());
  for (auto& [lane, worker] : chunk_workers_) drain(worker.get());
  for (std::thread& thread : drains) thread.join();
  return empty;
}

}  // namespace herald::delivery
