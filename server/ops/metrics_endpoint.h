#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/ops/metrics_registry.h"

namespace prometheus {
class Exposer;
}  // namespace prometheus

namespace herald::ops {

// Serves GET /metrics over plain HTTP, on threads of its own, until it is destroyed.
class MetricsEndpoint {
 public:
  // `host` is an IP address; `port` 0 takes any free one. kUnavailable: the port cannot be had.
  // `registry` must outlive the endpoint.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& host, int port,
                                                                const MetricsRegistry& registry);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  int port() const { return port_; }

 private:
  MetricsEndpoint(const std::string& host, std::unique_ptr<prometheus::Exposer> exposer);
  void Connect() const;

  const std::string host_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  const int port_;
};

}  // namespace herald::ops
