#include "server/ops/metrics_endpoint.h"

#include <prometheus/exposer.h>

#include <exception>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace herald::ops {

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& host, int port, const MetricsRegistry& registry) {
  const bool is_ipv6 = absl::StrContains(host, ":") && !absl::StartsWith(host, "[");
  const std::string address =
      is_ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
  try {
    // One thread: a scrape is short, and a second one may wait for it.
    auto exposer = std::make_unique<prometheus::Exposer>(address, 1);
    exposer->RegisterCollectable(registry.own_metrics());
    exposer->RegisterCollectable(registry.process_metrics());
    return std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint(std::move(exposer)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics on ", address, ": ", error.what()));
  }
}

MetricsEndpoint::MetricsEndpoint(std::unique_ptr<prometheus::Exposer> exposer)
    : exposer_(std::move(exposer)), port_(exposer_->GetListeningPorts().front()) {}

MetricsEndpoint::~MetricsEndpoint() = default;

}  // namespace herald::ops
