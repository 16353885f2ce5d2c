#include "providers/http/curl_transfer.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace herald::providers {
namespace {

long Millis(absl::Duration duration) {
  // Zero would mean "no limit" to libcurl.
  const absl::Duration bounded = std::clamp(duration, absl::Milliseconds(1), absl::Hours(24));
  return static_cast<long>(absl::ToInt64Milliseconds(bounded));
}

bool HasHeader(const HttpRequest& request, absl::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return absl::EqualsIgnoreCase(header.first, name);
  });
}

}  // namespace

CurlTransfer::CurlTransfer(const CurlHttpClientOptions& options) : easy_(curl_easy_init()) {
  SetConstantOptions(options);
}

CurlTransfer::~CurlTransfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

void CurlTransfer::SetConstantOptions(const CurlHttpClientOptions& options) {
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy_, CURLOPT_PROXY, options.proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
  }
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_MAXAGE_CONN,
                   std::max(1L, Millis(options.connection_idle_max) / 1000));
  // libcurl re-sends a request by itself when a reused connection dies before the first byte of
  // the answer, although the provider may have taken it. Two locks keep that from happening: a
  // body that cannot be rewound, and a callback that refuses to begin the same request again.
  curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &CurlTransfer::OnRead);
  curl_easy_setopt(easy_, CURLOPT_READDATA, this);
  curl_easy_setopt(easy_, CURLOPT_SEEKFUNCTION, &CurlTransfer::OnSeek);
  curl_easy_setopt(easy_, CURLOPT_SEEKDATA, this);
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &CurlTransfer::OnRequest);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
}

void CurlTransfer::Begin(HttpRequest request, HttpClient::Done done, absl::Duration timeout) {
  request_ = std::move(request);
  done_ = std::move(done);
  response_ = HttpResponse();
  error_text_[0] = '\0';
  body_sent_ = response_bytes_ = 0;
  request_began_ = headers_whole_ = response_too_large_ = false;
  active_ = true;
  curl_easy_setopt(easy_, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, Millis(request_.connect_timeout));
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, Millis(timeout));
  SetMethod();
  SetHeaders();
}

void CurlTransfer::SetMethod() {
  if (request_.body.empty() && request_.method != "POST") {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
  }
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void CurlTransfer::SetHeaders() {
  curl_slist_free_all(headers_);
  // Without a value libcurl leaves its own header out; waiting for "100 Continue" costs a round
  // trip, and a Content-Type that nobody asked for is wrong.
  headers_ = curl_slist_append(nullptr, "Expect:");
  if (!HasHeader(request_, "content-type")) {
    headers_ = curl_slist_append(headers_, "Content-Type:");
  }
  for (const auto& [name, value] : request_.headers) {
    const std::string line =
        value.empty() ? absl::StrCat(name, ";") : absl::StrCat(name, ": ", value);
    headers_ = curl_slist_append(headers_, line.c_str());
  }
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
}

int CurlTransfer::OnRequest(void* self, char*, char*, int, int) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->request_began_) return CURL_PREREQFUNC_ABORT;
  transfer->request_began_ = true;
  return CURL_PREREQFUNC_OK;
}

size_t CurlTransfer::OnRead(char* to, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const std::string& body = transfer->request_.body;
  const size_t bytes = std::min(size * count, body.size() - transfer->body_sent_);
  std::memcpy(to, body.data() + transfer->body_sent_, bytes);
  transfer->body_sent_ += bytes;
  return bytes;
}

int CurlTransfer::OnSeek(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }

bool CurlTransfer::FitsResponse(size_t more) {
  response_bytes_ += more;
  response_too_large_ = response_bytes_ > request_.response_bytes_max;
  return !response_too_large_;
}

size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const size_t bytes = size * count;
  if (!transfer->FitsResponse(bytes)) return 0;
  transfer->TakeHeaderLine(absl::string_view(data, bytes));
  return bytes;
}

bool CurlTransfer::TakeHeaderLine(absl::string_view line) {
  line = absl::StripTrailingAsciiWhitespace(line);
  if (line.empty()) return headers_whole_ = true;
  if (absl::StartsWith(line, "HTTP/")) {  // also after an interim answer (1xx)
    response_.headers.clear();
    return headers_whole_ = false;
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos) return false;
  response_.headers.emplace_back(
      absl::AsciiStrToLower(line.substr(0, colon)),
      std::string(absl::StripLeadingAsciiWhitespace(line.substr(colon + 1))));
  return true;
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const size_t bytes = size * count;
  if (!transfer->FitsResponse(bytes)) return 0;
  transfer->response_.body.append(data, bytes);
  return bytes;
}

HttpResponse CurlTransfer::Classify(CURLcode code) {
  HttpResponse failed;
  if (code == CURLE_OK && headers_whole_) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    response_.transport = HttpResponse::Transport::kAnswered;
    return std::move(response_);
  }
  failed.transport =
      request_began_ ? HttpResponse::Transport::kUnknown : HttpResponse::Transport::kNotSent;
  if (response_too_large_) {
    failed.error = absl::StrCat("answer larger than ", request_.response_bytes_max, " bytes");
  } else if (code == CURLE_OK) {
    failed.error = "answer ends within its headers";
  } else {
    failed.error = error_text_[0] != '\0' ? error_text_ : curl_easy_strerror(code);
  }
  return failed;
}

void CurlTransfer::End(CURLcode code) { Answer(Classify(code)); }

void CurlTransfer::Cancel() {
  HttpResponse response;
  response.transport =
      request_began_ ? HttpResponse::Transport::kUnknown : HttpResponse::Transport::kNotSent;
  response.error = "cancelled";
  Answer(std::move(response));
}

void CurlTransfer::Answer(HttpResponse response) {
  active_ = false;
  HttpClient::Done done = std::move(done_);
  done_ = nullptr;
  done(std::move(response));
}

}  // namespace herald::providers
