#include "server/delivery/engine.h"

#include <atomic>
#include <thread>
#include <vector>

namespace herald::delivery {

Engine::Engine(const std::map<Lane, LaneSetup>& lanes) {
  for (const auto& [lane, setup] : lanes) {
    workers_[lane] = std::make_unique<LaneWorker>(lane, setup.policy, setup.parts);
  }
}

void Engine::Wake(Lane lane) {
  const auto worker = workers_.find(lane);
  if (worker != workers_.end()) worker->second->Wake();
}

bool Engine::Drain(absl::Time deadline) {
  // All at once: a lane must not eat up the next one's time.
  std::vector<std::thread> drains;
  std::atomic<bool> empty{true};
  for (auto& [lane, worker] : workers_) {
    drains.emplace_back([&empty, deadline, w = worker.get()] {
      if (!w->Drain(deadline)) empty = false;
    });
  }
  for (std::thread& drain : drains) drain.join();
  return empty;
}

}  // namespace herald::delivery
