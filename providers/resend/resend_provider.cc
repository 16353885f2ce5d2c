#include "providers/resend/resend_provider.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "providers/digest.h"
#include "providers/pending_sends.h"
#include "providers/resend/resend_request.h"
#include "providers/resend/resend_response.h"

namespace herald::providers {
namespace {

constexpr size_t kMessageBytesMax = 40'000'000;  // the whole mail after base64
constexpr size_t kBatchMax = 100;
// No documented limit: what a request of one mail may have.
constexpr size_t kBatchBytesMax = kMessageBytesMax;
constexpr size_t kKeyDigestBytes = 12;

class ResendBatch : public PreparedBatch {
 public:
  ResendBatch(std::string key, std::string digest, size_t size, std::string body)
      : PreparedBatch(std::move(key), std::move(digest), size), body(std::move(body)) {}
  std::string body;
};

class ResendMessage : public PreparedMessage {
 public:
  ResendMessage(std::string digest, const OutboundMessage& message, std::string written)
      : PreparedMessage(std::move(digest)),
        key(message.idempotency_key),
        traceparent(message.traceparent),
        urgent(message.urgent),
        body(std::move(written)) {}
  const std::string key;
  const std::string traceparent;
  const bool urgent;
  std::string body;
};

class ResendProvider : public Provider {
 public:
  ResendProvider(ResendOptions options, HttpClient& http)
      : options_(std::move(options)), http_(http) {}

  ~ResendProvider() override {
    SendResult open;
    open.error_code = "shutdown";
    open.detail = "the answer was not waited for";
    pending_.Abandon(open);
    pending_batches_.Abandon(absl::nullopt);
  }

  absl::string_view account() const override { return options_.account; }
  const Capabilities& capabilities() const override { return capabilities_; }
  std::unique_ptr<PreparedMessage> Prepare(const OutboundMessage& message) const override;
  void Send(std::unique_ptr<PreparedMessage> message, absl::Duration timeout, Done done) override;
  std::unique_ptr<PreparedBatch> PrepareBatch(absl::Span<const OutboundMessage> messages,
                                              absl::string_view name) const override;
  void SendBatch(std::unique_ptr<PreparedBatch> batch, absl::Duration timeout,
                 BatchDone done) override;

 private:
  HttpRequest Request(absl::string_view path, const std::string& key) const;

  const ResendOptions options_;
  const Capabilities capabilities_{
      .idempotency_window = options_.idempotent ? absl::Hours(24) : absl::ZeroDuration(),
      .message_bytes_max = kMessageBytesMax,
      .attachments = true,
      .batch_max = options_.batch ? kBatchMax : 1};
  HttpClient& http_;
  PendingSends pending_;
  PendingBatches pending_batches_;
};

// Trace context is left out: it may differ between attempts, and Resend does not compare it.
std::unique_ptr<PreparedMessage> ResendProvider::Prepare(const OutboundMessage& message) const {
  std::string body = ResendRequestBody(message);
  std::string digest = Digest({message.idempotency_key, "\n", body});
  return std::make_unique<ResendMessage>(std::move(digest), message, std::move(body));
}

HttpRequest ResendProvider::Request(absl::string_view path, const std::string& key) const {
  HttpRequest request;
  request.url = absl::StrCat(options_.base_url, path);
  request.headers = {{"Authorization", absl::StrCat("Bearer ", options_.api_key)},
                     {"Content-Type", "application/json"},
                     {"User-Agent", options_.user_agent},
                     {"Idempotency-Key", key}};
  return request;
}

void ResendProvider::Send(std::unique_ptr<PreparedMessage> message, absl::Duration timeout,
                          Done done) {
  auto& prepared = static_cast<ResendMessage&>(*message);
  HttpRequest request = Request("/emails", prepared.key);
  request.body = std::move(prepared.body);
  request.timeout = timeout;
  if (request.body.size() > kMessageBytesMax) {
    SendResult result;
    result.outcome = Outcome::kRejected;
    result.error_code = "message_too_large";
    result.detail = absl::StrCat("larger than ", kMessageBytesMax, " bytes");
    return done(std::move(result));
  }
  if (!prepared.traceparent.empty()) {
    request.headers.emplace_back("traceparent", prepared.traceparent);
  }
  const bool apart = prepared.urgent && options_.urgent_http != nullptr;
  HttpClient& http = apart ? *options_.urgent_http : http_;
  http.Send(std::move(request), [tracked = pending_.Track(std::move(done)),
                                 clock = options_.clock](const HttpResponse& response) {
    tracked(ClassifyResendResponse(response, clock()));
  });
}

std::unique_ptr<PreparedBatch> ResendProvider::PrepareBatch(
    absl::Span<const OutboundMessage> messages, absl::string_view name) const {
  if (messages.size() > capabilities_.batch_max) return nullptr;
  std::string body = ResendBatchBody(messages);
  if (body.size() > kBatchBytesMax) return nullptr;
  std::string digest = Digest({body});
  std::string key = absl::StrCat(
      name, "-", absl::BytesToHexString(absl::string_view(digest).substr(0, kKeyDigestBytes)));
  return std::make_unique<ResendBatch>(std::move(key), std::move(digest), messages.size(),
                                       std::move(body));
}

void ResendProvider::SendBatch(std::unique_ptr<PreparedBatch> batch, absl::Duration timeout,
                               BatchDone done) {
  auto& prepared = static_cast<ResendBatch&>(*batch);
  HttpRequest request = Request("/emails/batch", prepared.key());
  request.headers.emplace_back("x-batch-validation", "permissive");
  request.body = std::move(prepared.body);
  request.timeout = timeout;
  const size_t messages = prepared.size();
  auto tracked = pending_batches_.Track(
      [messages, done = std::move(done)](absl::optional<std::vector<SendResult>> results) {
        if (results.has_value()) return done(*std::move(results));
        SendResult open;
        open.error_code = "shutdown";
        open.detail = "the answer was not waited for";
        done(std::vector<SendResult>(messages, open));
      });
  http_.Send(std::move(request), [messages, tracked = std::move(tracked),
                                  clock = options_.clock](const HttpResponse& response) {
    tracked(ClassifyResendBatchResponse(response, messages, clock()));
  });
}

}  // namespace

std::unique_ptr<Provider> MakeResendProvider(ResendOptions options, HttpClient& http) {
  return std::make_unique<ResendProvider>(std::move(options), http);
}

}  // namespace herald::providers
