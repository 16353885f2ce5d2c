#include "server/ops/metrics_endpoint.h"

#include <netdb.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

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
    return std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint(host, std::move(exposer)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics on ", address, ": ", error.what()));
  }
}

MetricsEndpoint::MetricsEndpoint(const std::string& host,
                                 std::unique_ptr<prometheus::Exposer> exposer)
    : host_(host), exposer_(std::move(exposer)), port_(exposer_->GetListeningPorts().front()) {}

// civetweb looks only every two seconds whether it should stop, unless somebody connects. A drain
// has no two seconds to spare.
MetricsEndpoint::~MetricsEndpoint() {
  absl::Notification stopped;
  std::thread stopper([&] {
    exposer_.reset();
    stopped.Notify();
  });
  do {
    Connect();
  } while (!stopped.WaitForNotificationWithTimeout(absl::Milliseconds(5)));
  stopper.join();
}

// To its own port, and off again; a failure means that nobody listens any more.
void MetricsEndpoint::Connect() const {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host_.c_str(), absl::StrCat(port_).c_str(), &hints, &found) != 0) return;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0) {
    connect(fd, found->ai_addr, found->ai_addrlen);
    close(fd);
  }
  freeaddrinfo(found);
}

}  // namespace herald::ops
