#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "providers/webhook_decoder.h"
#include "server/webhook/delivery_event_sink.h"
#include "server/webhook/event_forwarder.h"
#include "server/webhook/http_server.h"
#include "server/webhook/observer.h"
#include "server/webhook/secret_file.h"

namespace herald::webhook {

// One provider account's endpoint, /v1/webhooks/{account}.
struct WebhookEndpoint {
  std::unique_ptr<providers::WebhookDecoder> decoder;
  std::unique_ptr<SecretFile> secrets;
};

// What the sidecar answers:
//
//   POST /v1/webhooks/{account}  200 every event is durable, or none of them ever will be
//                                401 not verified · 404 no such account · 405 not POST
//                                503 with Retry-After: send it again
//   GET  /healthz                200
//   GET  /readyz                 200 when heraldd can take events, else 503
//
// Thread-safe; nothing blocks but reading a secret file that has changed.
class WebhookService {
 public:
  using Clock = std::function<absl::Time()>;

  // `sink` and `observer` must outlive the service, which is destroyed after every request has been
  // answered.
  WebhookService(std::map<std::string, WebhookEndpoint> endpoints, DeliveryEventSink& sink,
                 const EventForwarder::Options& forwarding, WebhookObserver& observer, Clock clock);

  // HttpServer::Handler.
  void Handle(const HttpRequest& request, HttpServer::Respond respond);

 private:
  void HandleWebhook(const HttpRequest& request, absl::string_view account,
                     const HttpServer::Respond& respond);
  void Receive(const std::string& account, const WebhookEndpoint& endpoint,
               const providers::WebhookRequest& contents, HttpServer::Respond respond);
  void Forward(const std::string& account, const std::vector<providers::DecodedEvent>& decoded,
               HttpServer::Respond respond);
  HttpResponse Verdict(const std::string& account, const std::vector<EventType>& types,
                       const absl::Status& status);
  void HandleReadiness(HttpServer::Respond respond);

  // Constant after construction.
  const std::map<std::string, WebhookEndpoint> endpoints_;
  DeliveryEventSink& sink_;
  WebhookObserver& observer_;
  const Clock clock_;
  EventForwarder forwarder_;  // last: its answers use everything above
};

}  // namespace herald::webhook
