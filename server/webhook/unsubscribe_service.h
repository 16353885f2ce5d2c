#pragma once

#include "server/webhook/http_server.h"
#include "server/webhook/unsubscribe_gateway.h"

namespace herald::webhook {

// What the sidecar answers behind unsubscribe links. Whoever holds a link may use it: no login.
//
//   GET  /u/{token}  200 the page with the choices; changes nothing, since scanners follow links
//   POST /u/{token}  200 done, from a mail program (RFC 8058, either encoding) with an empty body,
//                    from the page with the page as it is now · 400 not such a form
//   both             404 no token of ours · 410 expired · 413 body over 16 KiB · 405 another method
//                    503 with Retry-After: try again
//
// Thread-safe; never blocks.
class UnsubscribeService {
 public:
  // `gateway` must outlive the service, which outlives every request.
  explicit UnsubscribeService(UnsubscribeGateway& gateway) : gateway_(gateway) {}

  // Whether a path is one of these.
  static bool Serves(absl::string_view path);
  // HttpServer::Handler.
  void Handle(const HttpRequest& request, HttpServer::Respond respond);

 private:
  void Post(const std::string& token, const HttpRequest& request, HttpServer::Respond respond);

  UnsubscribeGateway& gateway_;
};

}  // namespace herald::webhook
