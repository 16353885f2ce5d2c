#pragma once

#include <memory>

#include "absl/strings/string_view.h"

namespace prometheus {
class Collectable;
class Registry;
}  // namespace prometheus

namespace herald::ops {

// What one process exposes: its own metrics, `herald_build_info` and the process's CPU, memory and
// file descriptors, which are read from /proc at each scrape. Safe for concurrent use.
class MetricsRegistry {
 public:
  explicit MetricsRegistry(absl::string_view version);
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  // For this folder's .cc files.
  prometheus::Registry& registry() { return *registry_; }
  std::shared_ptr<prometheus::Collectable> own_metrics() const;
  std::shared_ptr<prometheus::Collectable> process_metrics() const { return process_; }

 private:
  const std::shared_ptr<prometheus::Registry> registry_;
  const std::shared_ptr<prometheus::Collectable> process_;
};

}  // namespace herald::ops
