#include "server/webhook/http_server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <list>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/webhook/http_connection.h"

namespace herald::webhook {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

// Shared with every connection, so that a late answer finds its event loop alive.
struct HttpServer::Impl : HttpConnection::Host, std::enable_shared_from_this<HttpServer::Impl> {
  Impl(const Options& options_in, Handler handler_in)
      : limits(options_in), handler(std::move(handler_in)) {}

  const Options& options() const override { return limits; }
  void Handle(HttpRequest request, Respond respond) override {
    handler(std::move(request), std::move(respond));
  }
  void Post(const asio::any_io_executor& executor, std::function<void()> task) override;
  bool Draining() const override {
    absl::MutexLock lock(&mutex);
    return stopping;
  }
  void OnClosed() override;

  absl::Status Bind();
  void Accept();
  void OnAccepted(const error_code& error, tcp::socket socket);
  void StopAccepting();
  bool AllClosed() const ABSL_SHARED_LOCKS_REQUIRED(mutex) { return open == 0; }
  std::vector<std::shared_ptr<HttpConnection>> Live();

  // Constant after Bind.
  const Options limits;
  const Handler handler;
  uint16_t port = 0;

  asio::io_context io;
  // Requests that wait for their answer are no work to the event loop; this is.
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::vector<std::thread> threads;

  // Touched on this strand only.
  asio::strand<asio::io_context::executor_type> strand{io.get_executor()};
  tcp::acceptor acceptor{strand};
  asio::steady_timer pause{strand};

  mutable absl::Mutex mutex;
  std::list<std::weak_ptr<HttpConnection>> connections ABSL_GUARDED_BY(mutex);
  int open ABSL_GUARDED_BY(mutex) = 0;
  bool accepting ABSL_GUARDED_BY(mutex) = true;
  bool waiting_for_room ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
};

absl::Status HttpServer::Impl::Bind() {
  error_code error;
  const auto address = asio::ip::make_address(limits.host, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat(limits.host, " is no IP address"));
  const tcp::endpoint endpoint(address, limits.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) port = acceptor.local_endpoint(error).port();
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", limits.host, ":", limits.port, ": ", error.message()));
}

void HttpServer::Impl::Accept() {
  {
    absl::MutexLock lock(&mutex);
    if (!accepting) return;
    waiting_for_room = open >= limits.connections_max;
    if (waiting_for_room) return;
  }
  acceptor.async_accept(asio::make_strand(io),
                        [self = shared_from_this()](const error_code& error, tcp::socket socket) {
                          self->OnAccepted(error, std::move(socket));
                        });
}

void HttpServer::Impl::OnAccepted(const error_code& error, tcp::socket socket) {
  if (error == asio::error::operation_aborted) return;
  if (error) {
    // Out of descriptors, most likely: trying again at once would spin.
    pause.expires_after(kAcceptPause);
    pause.async_wait([self = shared_from_this()](const error_code&) { self->Accept(); });
    return;
  }
  std::shared_ptr<HttpConnection> connection;
  {
    absl::MutexLock lock(&mutex);
    if (!accepting) return;
    ++open;
    connection = std::make_shared<HttpConnection>(std::move(socket), shared_from_this());
    connections.push_back(connection);
  }
  connection->Start();
  Accept();
}

// Under the mutex, so that nothing is queued behind a loop that has ended: it would keep itself
// alive for good.
void HttpServer::Impl::Post(const asio::any_io_executor& executor, std::function<void()> task) {
  absl::MutexLock lock(&mutex);
  if (!stopped) asio::post(executor, std::move(task));
}

void HttpServer::Impl::OnClosed() {
  absl::MutexLock lock(&mutex);
  --open;
  connections.remove_if([](const auto& connection) { return connection.expired(); });
  if (waiting_for_room && accepting) {
    waiting_for_room = false;
    asio::post(strand, [self = shared_from_this()] { self->Accept(); });
  }
}

void HttpServer::Impl::StopAccepting() {
  {
    absl::MutexLock lock(&mutex);
    accepting = false;
  }
  asio::post(strand, [self = shared_from_this()] {
    error_code ignored;
    self->acceptor.close(ignored);
    self->pause.cancel(ignored);
  });
}

std::vector<std::shared_ptr<HttpConnection>> HttpServer::Impl::Live() {
  std::vector<std::shared_ptr<HttpConnection>> live;
  absl::MutexLock lock(&mutex);
  for (const auto& weak : connections) {
    if (auto connection = weak.lock()) live.push_back(std::move(connection));
  }
  return live;
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              Handler handler) {
  auto impl = std::make_shared<Impl>(options, std::move(handler));
  const absl::Status bound = impl->Bind();
  if (!bound.ok()) return bound;
  asio::post(impl->strand, [impl] { impl->Accept(); });
  for (int i = 0; i < options.threads; ++i) {
    impl->threads.emplace_back([impl = impl.get()] { impl->io.run(); });
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { Stop(absl::ZeroDuration()); }

uint16_t HttpServer::port() const { return impl_->port; }

bool HttpServer::Stop(absl::Duration grace) {
  {
    absl::MutexLock lock(&impl_->mutex);
    if (impl_->stopping) return true;
    impl_->stopping = true;
  }
  impl_->StopAccepting();
  for (const auto& connection : impl_->Live()) connection->CloseIfIdle();
  bool finished = false;
  {
    absl::MutexLock lock(&impl_->mutex);
    finished = impl_->mutex.AwaitWithTimeout(absl::Condition(impl_.get(), &Impl::AllClosed), grace);
  }
  if (!finished) {
    for (const auto& connection : impl_->Live()) connection->Cut();
  }
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopped = true;
  }
  impl_->work.reset();
  for (std::thread& thread : impl_->threads) thread.join();
  return finished;
}

}  // namespace herald::webhook
