#include "providers/resend/resend_provider.h"

#include <openssl/sha.h>

#include "absl/strings/str_cat.h"
#include "providers/pending_sends.h"
#include "providers/resend/resend_request.h"
#include "providers/resend/resend_response.h"

namespace herald::providers {
namespace {

constexpr size_t kMessageBytesMax = 40'000'000;  // the whole mail after base64

class ResendProvider : public Provider {
 public:
  ResendProvider(ResendOptions options, HttpClient& http)
      : options_(std::move(options)), http_(http) {}

  ~ResendProvider() override {
    SendResult open;
    open.error_code = "shutdown";
    open.detail = "the answer was not waited for";
    pending_.Abandon(open);
  }

  absl::string_view account() const override { return options_.account; }
  const Capabilities& capabilities() const override { return capabilities_; }
  std::string RequestDigest(const OutboundMessage& message) const override;
  void Send(const OutboundMessage& message, absl::Duration timeout, Done done) override;

 private:
  const ResendOptions options_;
  const Capabilities capabilities_{.idempotency_window = absl::Hours(24),
                                   .message_bytes_max = kMessageBytesMax,
                                   .attachments = true};
  HttpClient& http_;
  PendingSends pending_;
};

// Trace context is left out: it may differ between attempts, and Resend does not compare it.
std::string ResendProvider::RequestDigest(const OutboundMessage& message) const {
  const std::string bytes = absl::StrCat(message.idempotency_key, "\n", ResendRequestBody(message));
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

void ResendProvider::Send(const OutboundMessage& message, absl::Duration timeout, Done done) {
  HttpRequest request;
  request.url = absl::StrCat(options_.base_url, "/emails");
  request.body = ResendRequestBody(message);
  request.timeout = timeout;
  if (request.body.size() > kMessageBytesMax) {
    SendResult result;
    result.outcome = Outcome::kRejected;
    result.error_code = "message_too_large";
    result.detail = absl::StrCat("larger than ", kMessageBytesMax, " bytes");
    return done(std::move(result));
  }
  request.headers = {{"Authorization", absl::StrCat("Bearer ", options_.api_key)},
                     {"Content-Type", "application/json"},
                     {"User-Agent", options_.user_agent},
                     {"Idempotency-Key", message.idempotency_key}};
  if (!message.traceparent.empty())
    request.headers.emplace_back("traceparent", message.traceparent);
  http_.Send(std::move(request), [tracked = pending_.Track(std::move(done)),
                                  clock = options_.clock](const HttpResponse& response) {
    tracked(ClassifyResendResponse(response, clock()));
  });
}

}  // namespace

std::unique_ptr<Provider> MakeResendProvider(ResendOptions options, HttpClient& http) {
  return std::make_unique<ResendProvider>(std::move(options), http);
}

}  // namespace herald::providers
