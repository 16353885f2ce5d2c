#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "server/webhook/http_server.h"

namespace herald::webhook {

// One connection of an HttpServer. Everything runs on the stream's strand; it lives as long as
// something is outstanding on it. Internal to http_server.cc.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // What a connection needs from its server, which it keeps alive.
  class Host {
   public:
    virtual ~Host() = default;
    virtual const HttpServer::Options& options() const = 0;
    virtual void Handle(HttpRequest request, HttpServer::Respond respond) = 0;
    // Runs `work` on `executor`, or drops it once the server has stopped. From any thread.
    virtual void Post(const boost::asio::any_io_executor& executor, std::function<void()> work) = 0;
    // Whether the server is stopping: every answer from then on is its connection's last. From any
    // thread.
    virtual bool Draining() const = 0;
    virtual void OnClosed() = 0;
  };

  HttpConnection(boost::asio::ip::tcp::socket socket, std::shared_ptr<Host> host);
  ~HttpConnection();

  void Start();
  // Closes now when idle. Safe to call from any thread.
  void CloseIfIdle();
  // Closes now. Safe to call from any thread.
  void Cut();

 private:
  using ErrorCode = boost::beast::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void AwaitRequest();
  void ReadRequest();
  void OnRead(ErrorCode error);
  void Refuse(ErrorCode error);
  void Answer(const HttpResponse& answer);
  void Write();
  void OnWritten(ErrorCode error);
  void Linger();
  void DiscardInput();
  void Close();

  // Before the stream, which needs the server's event loop to the end.
  const std::shared_ptr<Host> host_;

  // Touched on the strand only.
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  bool idle_ = false;
  bool keep_alive_ = false;
  bool head_ = false;
  unsigned version_ = 11;
};

}  // namespace herald::webhook
