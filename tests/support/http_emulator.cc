#include "tests/support/http_emulator.h"

#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace herald::testing {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr uint64_t kBodyBytesMax = 64 << 20;
// Beast reads as much at once as its buffer has room for: 512 bytes, unless told otherwise, which
// made ten calls of a request with one email.
constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kUsualHeaders = 16;

absl::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// One accepted connection: reads, asks the handler, answers, until either side ends it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, int number, const HttpEmulator::Handler& handler,
          std::atomic<int>& requests)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        number_(number),
        handler_(handler),
        requests_(requests) {
    socket_.set_option(tcp::no_delay(true));
    buffer_.reserve(kReadBytes);
  }

  void Read() {
    parser_.emplace();
    parser_->body_limit(kBodyBytesMax);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Handle();
                     });
  }

 private:
  void Handle() {
    http::request<http::string_body>& read = parser_->get();
    EmulatedRequest request;
    request.method = std::string(read.method_string());
    request.target = std::string(read.target());
    request.version = static_cast<int>(read.version());
    request.headers.reserve(kUsualHeaders);
    for (const auto& field : read) {
      request.headers.emplace_back(absl::AsciiStrToLower(View(field.name_string())),
                                   std::string(field.value()));
    }
    request.body = std::move(read.body());
    request.connection = number_;
    request.request_on_connection = served_++;
    ++requests_;
    reply_ = handler_(request);
    keep_alive_ = read.keep_alive() && !reply_.close_after;
    if (reply_.delay <= absl::ZeroDuration()) return Answer();
    timer_.expires_after(absl::ToChronoNanoseconds(reply_.delay));
    timer_.async_wait([self = shared_from_this()](beast::error_code error) {
      if (!error) self->Answer();
    });
  }

  void Answer() {
    switch (reply_.fault) {
      case EmulatedReply::Fault::kNone:
        return Write();
      case EmulatedReply::Fault::kClose:
        return Close();
      case EmulatedReply::Fault::kReset:
        socket_.set_option(asio::socket_base::linger(true, 0));
        return Close();
      case EmulatedReply::Fault::kHalfAnswer:
        return WriteHalf();
      case EmulatedReply::Fault::kHang:
        return WaitForTheClient();
    }
  }

  void Write() {
    response_ = {};
    response_.version(11);
    response_.result(static_cast<unsigned>(reply_.status));
    for (const auto& [name, value] : reply_.headers) response_.insert(name, value);
    response_.body() = std::move(reply_.body);
    response_.keep_alive(keep_alive_);
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (error || !self->keep_alive_) return self->Close();
                        self->Read();
                      });
  }

  void WriteHalf() {
    half_ = absl::StrCat("HTTP/1.1 ", reply_.status,
                         " Emulated\r\nContent-Length: ", reply_.body.size() + 1, "\r\n\r\n",
                         reply_.body.substr(0, reply_.body.size() / 2));
    asio::async_write(socket_, asio::buffer(half_),
                      [self = shared_from_this()](beast::error_code, size_t) { self->Close(); });
  }

  void WaitForTheClient() {
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](beast::error_code) { self->Close(); });
  }

  void Close() {
    beast::error_code ignored;
    if (reply_.fault != EmulatedReply::Fault::kReset) {
      socket_.shutdown(tcp::socket::shutdown_both, ignored);
    }
    socket_.close(ignored);
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  absl::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::string half_;
  EmulatedReply reply_;
  bool keep_alive_ = false;
  int served_ = 0;
  const int number_;
  const HttpEmulator::Handler& handler_;
  std::atomic<int>& requests_;
};

}  // namespace

absl::optional<std::string> EmulatedRequest::Header(absl::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return absl::nullopt;
}

class HttpEmulator::Impl {
 public:
  Impl(Handler handler, int port)
      : handler_(std::move(handler)),
        acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(),
                                          static_cast<unsigned short>(port))) {
    port_ = acceptor_.local_endpoint().port();
    Accept();
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Impl() {
    context_.stop();
    thread_.join();
  }

  int port() const { return port_; }
  int connections() const { return connections_; }
  int requests() const { return requests_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket), connections_++, handler_, requests_)->Read();
      Accept();
    });
  }

  const Handler handler_;
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  int port_ = 0;
  std::thread thread_;
};

HttpEmulator::HttpEmulator(Handler handler, int port)
    : impl_(std::make_unique<Impl>(std::move(handler), port)) {}
HttpEmulator::~HttpEmulator() = default;
int HttpEmulator::port() const { return impl_->port(); }
std::string HttpEmulator::url() const { return absl::StrCat("http://127.0.0.1:", port()); }
int HttpEmulator::connections() const { return impl_->connections(); }
int HttpEmulator::requests() const { return impl_->requests(); }

}  // namespace herald::testing
