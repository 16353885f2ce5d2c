#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "providers/webhook_decoder.h"

namespace herald::webhook {

struct HttpRequest {
  std::string method;
  std::string path;                    // without the query
  providers::WebhookRequest contents;  // headers and raw body
};

struct HttpResponse {
  int status = 200;
  std::string body;  // text/plain, unless a header says otherwise
  std::vector<std::pair<std::string, std::string>> headers;
};

// An HTTP/1.1 server for small requests from strangers: everything a client can make large, long
// or many is bounded. TLS ends in front of it.
//
//   body over `body_bytes_max`          413, connection closed
//   header over `header_bytes_max`      431, connection closed
//   not HTTP                            400, connection closed
//   request not whole within `read_timeout`, answer not taken within it, or idle for
//   `idle_timeout`                      connection closed
//   more than `connections_max`         wait in the kernel's queue until one closes
//
// Safe for concurrent use.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    uint16_t port = 0;  // 0: any free one
    int threads = 1;
    size_t body_bytes_max = 1 << 20;
    uint32_t header_bytes_max = 16 << 10;
    int connections_max = 256;
    absl::Duration read_timeout = absl::Seconds(10);
    absl::Duration idle_timeout = absl::Seconds(60);
    // Told of each request that never reached the handler: 400, 413 and 431 as answered, 408 for
    // one cut because it was not whole in time. Must not block. May be empty.
    std::function<void(int status)> on_refused;
  };
  using Respond = std::function<void(HttpResponse)>;
  // Must not block. Calls `respond` exactly once, on any thread, at once or later; calls after the
  // server is gone are harmless.
  using Handler = std::function<void(HttpRequest, Respond respond)>;

  // Binds and begins to serve. kUnavailable when the address cannot be bound, kInvalidArgument when
  // it is none.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, Handler handler);
  // Stop(zero).
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  // Stops accepting, closes idle connections, answers the requests that have begun, and cuts what
  // is left after `grace`. Returns whether nothing had to be cut. Later calls do nothing.
  bool Stop(absl::Duration grace);

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  const std::shared_ptr<Impl> impl_;
};

}  // namespace herald::webhook
