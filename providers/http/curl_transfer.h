#pragma once

// Private to providers/http: libcurl's header stops here.

#include <curl/curl.h>

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "providers/http/curl_http_client.h"
#include "providers/http/http_client.h"

namespace herald::providers {

// One easy handle and the request it carries. Reused for request after request, so that what is
// equal for all of them is set once. Not thread-safe: lives on the client's thread.
class CurlTransfer {
 public:
  explicit CurlTransfer(const CurlHttpClientOptions& options);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Takes over a request; `timeout` is what is left of its own.
  void Begin(HttpRequest request, HttpClient::Done done, absl::Duration timeout);
  bool active() const { return active_; }
  CURL* easy() const { return easy_; }
  const HttpRequest& request() const { return request_; }

  // Ends the transfer, answers it, and leaves the handle ready for the next one. The handle must
  // have left its multi handle.
  void End(CURLcode code);
  // The same, for one that is stopped before it is over.
  void Cancel();

 private:
  static size_t OnRead(char* to, size_t size, size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static int OnRequest(void* self, char*, char*, int, int);

  void SetConstantOptions(const CurlHttpClientOptions& options);
  void SetMethod();
  void SetHeaders();
  bool TakeHeaderLine(absl::string_view line);
  bool FitsResponse(size_t more);
  HttpResponse Classify(CURLcode code);
  void Answer(HttpResponse response);

  CURL* const easy_;
  char error_text_[CURL_ERROR_SIZE] = {};
  bool active_ = false;
  HttpRequest request_;
  HttpClient::Done done_;
  curl_slist* headers_ = nullptr;
  HttpResponse response_;
  size_t body_sent_ = 0;
  size_t response_bytes_ = 0;
  bool request_began_ = false;  // its bytes may be on the wire
  bool headers_whole_ = false;  // the answer's blank line was seen
  bool response_too_large_ = false;
};

}  // namespace herald::providers
