#include "server/webhook/webhook_service.h"

#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "providers/webhook_refusal.h"

namespace herald::webhook {
namespace {

// Long enough for a restart of heraldd, short enough that a delivery shows soon after.
constexpr char kRetryAfterSeconds[] = "5";

HttpResponse RetryLater() {
  return {503, "Try again later.\n", {{"Retry-After", kRetryAfterSeconds}}};
}

HttpResponse OnlyAllow(const char* method) {
  return {405, "Method not allowed.\n", {{"Allow", method}}};
}

}  // namespace

WebhookService::WebhookService(std::map<std::string, WebhookEndpoint> endpoints,
                               DeliveryEventSink& sink, const EventForwarder::Options& forwarding,
                               WebhookObserver& observer, Clock clock)
    : endpoints_(std::move(endpoints)),
      sink_(sink),
      observer_(observer),
      clock_(std::move(clock)),
      forwarder_(sink, forwarding) {}

void WebhookService::Handle(const HttpRequest& request, HttpServer::Respond respond) {
  absl::string_view account = request.path;
  if (absl::ConsumePrefix(&account, "/v1/webhooks/")) {
    const absl::Time begin = absl::Now();
    return HandleWebhook(request, account,
                         [this, begin, respond = std::move(respond)](HttpResponse response) {
                           observer_.OnRequest(response.status, absl::Now() - begin);
                           respond(std::move(response));
                         });
  }
  const bool health = request.path == "/healthz";
  if (!health && request.path != "/readyz") return respond({404, "Not found.\n", {}});
  if (request.method != "GET" && request.method != "HEAD") return respond(OnlyAllow("GET, HEAD"));
  if (health) return respond({200, "ok\n", {}});
  HandleReadiness(std::move(respond));
}

void WebhookService::HandleReadiness(HttpServer::Respond respond) {
  sink_.CheckReady([respond = std::move(respond)](const absl::Status& status) {
    respond(status.ok() ? HttpResponse{200, "ready\n", {}}
                        : HttpResponse{503, "heraldd takes no events.\n", {}});
  });
}

void WebhookService::HandleWebhook(const HttpRequest& request, absl::string_view account,
                                   const HttpServer::Respond& respond) {
  const auto endpoint = endpoints_.find(std::string(account));
  if (endpoint == endpoints_.end()) {
    observer_.OnRefused("none", "unknown_account");
    return respond({404, "Not found.\n", {}});
  }
  if (request.method != "POST") {
    observer_.OnRefused(endpoint->first, "method");
    return respond(OnlyAllow("POST"));
  }
  Receive(endpoint->first, endpoint->second, request.contents, respond);
}

void WebhookService::Receive(const std::string& account, const WebhookEndpoint& endpoint,
                             const providers::WebhookRequest& contents,
                             HttpServer::Respond respond) {
  const auto secrets = endpoint.secrets->Load();
  if (!secrets.ok()) {
    observer_.OnDeferred(account, secrets.status());
    return respond(RetryLater());
  }
  const auto decoded = endpoint.decoder->Decode(contents, **secrets, clock_());
  if (absl::IsUnauthenticated(decoded.status())) {
    observer_.OnRefused(account, providers::WebhookRefusalReason(decoded.status()));
    return respond({401, "The webhook could not be verified.\n", {}});
  }
  if (!decoded.ok()) {
    observer_.OnUnreadable(account);
    return respond({200, "", {}});
  }
  Forward(account, *decoded, std::move(respond));
}

void WebhookService::Forward(const std::string& account,
                             const std::vector<providers::DecodedEvent>& decoded,
                             HttpServer::Respond respond) {
  std::vector<ReceivedEvent> events;
  std::vector<EventType> types;
  for (const providers::DecodedEvent& event : decoded) {
    events.push_back({account, event});
    types.push_back(event.type);
  }
  forwarder_.Forward(std::move(events),
                     [this, account, types = std::move(types), respond = std::move(respond)](
                         const absl::Status& status) { respond(Verdict(account, types, status)); });
}

HttpResponse WebhookService::Verdict(const std::string& account,
                                     const std::vector<EventType>& types,
                                     const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) {
    observer_.OnUnreadable(account);
    return {200, "", {}};
  }
  if (!status.ok()) {
    observer_.OnDeferred(account, status);
    return RetryLater();
  }
  for (EventType type : types) observer_.OnEvent(account, type);
  return {200, "", {}};
}

}  // namespace herald::webhook
