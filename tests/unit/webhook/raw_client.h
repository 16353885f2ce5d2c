#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "providers/webhook_decoder.h"

namespace herald::webhook {

// A blocking HTTP client that can misbehave: it sends any bytes, in any pieces.
class RawClient {
 public:
  explicit RawClient(uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the connection is gone.
  bool Send(absl::string_view bytes);
  // The next answer's status, or 0 when the server closed the connection instead. Waits 20 s.
  int ReadStatus();
  // The header of the last answer, in lower case.
  const std::string& header() const { return header_; }
  // Whether the server closes the connection within `timeout`.
  bool AwaitClose(absl::Duration timeout);

 private:
  // Appends what arrives to buffer_; false at the end or after `timeout`.
  bool Fill(absl::Duration timeout);

  int fd_ = -1;
  std::string buffer_;
  std::string header_;
};

// "POST /v1/webhooks/<account>" with the headers and body of `webhook`.
std::string PostOf(absl::string_view account, const providers::WebhookRequest& webhook);
// Sends it on a connection of its own and returns the status.
int Post(uint16_t port, absl::string_view account, const providers::WebhookRequest& webhook);
int Get(uint16_t port, absl::string_view path);

}  // namespace herald::webhook
