#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "providers/http/http_client.h"

namespace herald::providers {

struct WebhookCourierOptions {
  std::string url;
  std::string secret;  // one that CheckSvixSecret takes
  int attempts_max = 8;
  // Doubles from attempt to attempt: 8 attempts cover about half a minute.
  absl::Duration backoff_initial = absl::Milliseconds(250);
  absl::Duration timeout = absl::Seconds(5);
  size_t waiting_max = 200'000;  // webhooks; above that they are dropped
  int in_flight_max = 64;
};

// Sends signed webhooks when they are due, and again until the receiver answers 2xx or the attempts
// are used up. What waits is in memory only and is lost with the process. Thread-safe; nothing
// blocks. `http` must outlive it.
class WebhookCourier {
 public:
  WebhookCourier(WebhookCourierOptions options, HttpClient& http,
                 std::function<absl::Time()> clock);
  ~WebhookCourier();

  // Sends `body` under `id` after `after`.
  void Send(std::string id, std::string body, absl::Duration after);

 private:
  struct State;  // shared with requests in flight, which may outlive the courier

  const std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace herald::providers
