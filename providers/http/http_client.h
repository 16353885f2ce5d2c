#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald::providers {

struct HttpRequest {
  std::string method = "POST";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration timeout = absl::Seconds(20);  // whole request, connecting included
  size_t response_bytes_max = 1 << 20;
};

struct HttpResponse {
  // How far the request certainly got; decides between RETRYABLE and UNCONFIRMED.
  enum class Transport {
    kAnswered,  // a complete status, headers and body came back
    kNotSent,   // no byte of the body left: DNS, connect, TLS
    kUnknown,   // it may have been processed: cut, timeout, oversized or broken answer
  };
  Transport transport = Transport::kUnknown;
  int status = 0;                                            // kAnswered only
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string error;  // for people, when not kAnswered
};

// Sends HTTP requests. Thread-safe; Send never blocks; `done` runs exactly once, on the client's
// thread, and must not block. A request is put on the wire at most once: no redirects, no hidden
// re-send when a reused connection dies. The destructor cancels what is in flight (kUnknown, or
// kNotSent where that is certain) and returns after the last `done`.
class HttpClient {
 public:
  using Done = std::function<void(HttpResponse)>;
  virtual ~HttpClient() = default;
  virtual void Send(HttpRequest request, Done done) = 0;
};

}  // namespace herald::providers
