#include "server/webhook/http_connection.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <utility>

#include "absl/strings/ascii.h"

namespace herald::webhook {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr size_t kReadBytes = 8 << 10;
constexpr absl::Duration kLingerTimeout = absl::Seconds(2);

std::chrono::nanoseconds Chrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

std::string Text(beast::string_view text) { return std::string(text.data(), text.size()); }

// The answer to a request that could not be read; status 0 when the client just went away.
HttpResponse RefusalOf(beast::error_code error) {
  if (error == beast::error::timeout) return {408, "", {}};
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    return {413, "The body is too large.\n", {}};
  }
  if (error == http::error::header_limit) return {431, "The header is too large.\n", {}};
  const bool gone = error == http::error::end_of_stream || error == http::error::partial_message;
  const bool malformed =
      !gone && error.category() == http::make_error_code(http::error::bad_method).category();
  if (malformed) return {400, "This is not an HTTP request.\n", {}};
  return {0, "", {}};
}

HttpRequest Convert(http::request<http::string_body> message) {
  HttpRequest request;
  request.method = Text(message.method_string());
  const std::string target = Text(message.target());
  request.path = target.substr(0, target.find('?'));
  for (const auto& field : message) {
    request.contents.headers.emplace_back(absl::AsciiStrToLower(Text(field.name_string())),
                                          Text(field.value()));
  }
  request.contents.body = std::move(message.body());
  return request;
}

}  // namespace

HttpConnection::HttpConnection(boost::asio::ip::tcp::socket socket, std::shared_ptr<Host> host)
    : host_(std::move(host)),
      stream_(std::move(socket)),
      buffer_(host_->options().header_bytes_max + host_->options().body_bytes_max) {}

HttpConnection::~HttpConnection() { host_->OnClosed(); }

void HttpConnection::Start() {
  boost::asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    ErrorCode ignored;
    self->stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    self->AwaitRequest();
  });
}

void HttpConnection::CloseIfIdle() {
  boost::asio::post(stream_.get_executor(), [self = shared_from_this()] {
    if (self->idle_) self->Close();
  });
}

void HttpConnection::Cut() {
  boost::asio::post(stream_.get_executor(), [self = shared_from_this()] { self->Close(); });
}

void HttpConnection::AwaitRequest() {
  if (host_->Draining()) return Close();
  if (buffer_.size() > 0) return ReadRequest();  // pipelined
  idle_ = true;
  stream_.expires_after(Chrono(host_->options().idle_timeout));
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](ErrorCode error, size_t size) {
                            self->idle_ = false;
                            if (error) return self->Close();
                            self->buffer_.commit(size);
                            self->ReadRequest();
                          });
}

void HttpConnection::ReadRequest() {
  parser_.emplace();
  parser_->header_limit(host_->options().header_bytes_max);
  parser_->body_limit(host_->options().body_bytes_max);
  // One deadline for the whole request: dripping bytes does not move it.
  stream_.expires_after(Chrono(host_->options().read_timeout));
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](ErrorCode error, size_t /*bytes*/) { self->OnRead(error); });
}

void HttpConnection::OnRead(ErrorCode error) {
  if (error) return Refuse(error);
  stream_.expires_never();
  http::request<http::string_body> message = parser_->release();
  parser_.reset();
  keep_alive_ = message.keep_alive();
  version_ = message.version();
  head_ = message.method() == http::verb::head;
  host_->Handle(Convert(std::move(message)), [self = shared_from_this()](HttpResponse answer) {
    self->host_->Post(self->stream_.get_executor(),
                      [self, answer = std::move(answer)] { self->Answer(answer); });
  });
}

void HttpConnection::Refuse(ErrorCode error) {
  const HttpResponse answer = RefusalOf(error);
  if (answer.status == 0) return Close();
  if (const auto& on_refused = host_->options().on_refused) on_refused(answer.status);
  if (error == beast::error::timeout) return Close();  // Beast has closed the socket already.
  keep_alive_ = false;
  Answer(answer);
}

void HttpConnection::Answer(const HttpResponse& answer) {
  Response& response = response_.emplace(static_cast<http::status>(answer.status), version_);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.keep_alive(keep_alive_ && !host_->Draining());
  response.body() = answer.body;
  response.prepare_payload();
  if (head_) response.body().clear();
  Write();
}

void HttpConnection::Write() {
  stream_.expires_after(Chrono(host_->options().read_timeout));
  http::async_write(
      stream_, *response_,
      [self = shared_from_this()](ErrorCode error, size_t /*bytes*/) { self->OnWritten(error); });
}

void HttpConnection::OnWritten(ErrorCode error) {
  if (error) return Close();
  const bool last = response_->need_eof() || !response_->keep_alive();
  response_.reset();
  if (last) return Linger();
  AwaitRequest();
}

// A socket closed with unread bytes is reset, and the client may never see the answer: so input is
// discarded for a moment after ours has ended.
void HttpConnection::Linger() {
  ErrorCode ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(Chrono(kLingerTimeout));
  DiscardInput();
}

void HttpConnection::DiscardInput() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](ErrorCode error, size_t /*bytes*/) {
                            if (error) return self->Close();
                            self->DiscardInput();
                          });
}

void HttpConnection::Close() { stream_.close(); }

}  // namespace herald::webhook
