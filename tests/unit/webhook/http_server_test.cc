#include "server/webhook/http_server.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/webhook/raw_client.h"

namespace herald::webhook {
namespace {

constexpr char kGet[] = "GET /x HTTP/1.1\r\n\r\n";

// A server that answers at once with what it was asked, or on demand for the path "/held".
class HttpServerTest : public ::testing::Test {
 protected:
  uint16_t Start(HttpServer::Options options = {}) {
    options.on_refused = [this](int status) {
      absl::MutexLock lock(&mutex_);
      refused_.push_back(status);
    };
    auto server =
        HttpServer::Start(options, [this](HttpRequest request, HttpServer::Respond respond) {
          if (request.path == "/held") {
            respond_ = std::move(respond);
            held_.Notify();
            return;
          }
          const auto header = request.contents.Header("x-test");
          respond({200,
                   absl::StrCat(request.method, " ", request.path, " ", header.value_or("-"), " ",
                                request.contents.body.size()),
                   {}});
        });
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    return server_->port();
  }

  // The statuses refused with, once there is one: the server tells after the client has its answer.
  std::vector<int> refused() {
    const auto told = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !refused_.empty(); };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(10));
    return refused_;
  }

  // The answer that a handler has not given yet.
  absl::Notification held_;
  HttpServer::Respond respond_;
  absl::Mutex mutex_;
  std::vector<int> refused_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, KeepsAConnectionForSeveralRequests) {
  RawClient client(Start());
  for (int i = 0; i < 3; ++i) {
    client.Send(kGet);
    EXPECT_EQ(client.ReadStatus(), 200);
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  RawClient client(Start());
  client.Send("GET /a HTTP/1.1\r\n\r\nGET /abc HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.ReadStatus(), 200);
  EXPECT_NE(client.header().find("content-length: 10"), std::string::npos);  // "GET /a - 0"
  EXPECT_EQ(client.ReadStatus(), 200);
  EXPECT_NE(client.header().find("content-length: 12"), std::string::npos);
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsksForIt) {
  RawClient client(Start());
  client.Send("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.ReadStatus(), 200);
  EXPECT_TRUE(client.AwaitClose(absl::Seconds(10)));
}

TEST_F(HttpServerTest, RefusesAnAnnouncedBodyOverTheLimitBeforeItArrives) {
  HttpServer::Options options;
  options.body_bytes_max = 100;
  RawClient client(Start(options));
  client.Send("POST /x HTTP/1.1\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(client.ReadStatus(), 413);
  EXPECT_TRUE(client.AwaitClose(absl::Seconds(10)));
  EXPECT_EQ(refused(), std::vector<int>{413});
}

TEST_F(HttpServerTest, RefusesAChunkedBodyOverTheLimit) {
  HttpServer::Options options;
  options.body_bytes_max = 100;
  RawClient client(Start(options));
  client.Send("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" +
              std::string(64, 'x') + "\r\n40\r\n" + std::string(64, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(client.ReadStatus(), 413);
}

TEST_F(HttpServerTest, TakesABodyAtTheLimit) {
  HttpServer::Options options;
  options.body_bytes_max = 100;
  RawClient client(Start(options));
  client.Send("POST /x HTTP/1.1\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  EXPECT_EQ(client.ReadStatus(), 200);
}

TEST_F(HttpServerTest, ShowsTheRefusalToAClientThatIsStillSending) {
  RawClient client(Start());
  client.Send("POST /x HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n");
  client.Send(std::string(4000000, 'x'));
  EXPECT_EQ(client.ReadStatus(), 413);
}

TEST_F(HttpServerTest, RefusesAHeaderOverTheLimit) {
  RawClient client(Start());
  client.Send("GET /x HTTP/1.1\r\nX-Long: " + std::string(20000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.ReadStatus(), 431);
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  RawClient client(Start());
  client.Send("\x16\x03\x01\x02\x00 hello\r\n\r\n");
  EXPECT_EQ(client.ReadStatus(), 400);
  EXPECT_EQ(refused(), std::vector<int>{400});
}

TEST_F(HttpServerTest, CutsAClientThatDripsItsHeader) {
  HttpServer::Options options;
  options.read_timeout = absl::Milliseconds(300);
  RawClient client(Start(options));
  client.Send("POST /x HTTP/1.1\r\n");
  const absl::Time begin = absl::Now();
  // Each byte comes well within the timeout; only the whole is late.
  while (!client.AwaitClose(absl::Milliseconds(50)) && absl::Now() - begin < absl::Seconds(20)) {
    client.Send("X");
  }
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  EXPECT_EQ(refused(), std::vector<int>{408});
}

TEST_F(HttpServerTest, CutsAClientThatNeverSendsItsBody) {
  HttpServer::Options options;
  options.read_timeout = absl::Milliseconds(200);
  RawClient client(Start(options));
  client.Send("POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n");
  EXPECT_TRUE(client.AwaitClose(absl::Seconds(10)));
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  HttpServer::Options options;
  options.idle_timeout = absl::Milliseconds(100);
  RawClient client(Start(options));
  EXPECT_TRUE(client.AwaitClose(absl::Seconds(10)));
  EXPECT_TRUE(refused().empty());
}

TEST_F(HttpServerTest, LetsAConnectionInWhenAnotherLeaves) {
  HttpServer::Options options;
  options.connections_max = 1;
  const uint16_t port = Start(options);
  auto first = std::make_unique<RawClient>(port);
  first->Send(kGet);
  EXPECT_EQ(first->ReadStatus(), 200);
  RawClient second(port);
  second.Send(kGet);
  EXPECT_FALSE(second.AwaitClose(absl::Milliseconds(100)));
  first.reset();
  EXPECT_EQ(second.ReadStatus(), 200);
}

TEST_F(HttpServerTest, FinishesARequestBeforeItStops) {
  const uint16_t port = Start();
  RawClient idle(port);
  RawClient client(port);
  client.Send("GET /held HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(held_.WaitForNotificationWithTimeout(absl::Seconds(20)));
  bool finished = false;
  std::thread stopping([&] { finished = server_->Stop(absl::Seconds(20)); });
  EXPECT_TRUE(idle.AwaitClose(absl::Seconds(10)));
  respond_({200, "late", {}});
  EXPECT_EQ(client.ReadStatus(), 200);
  EXPECT_NE(client.header().find("connection: close"), std::string::npos);
  EXPECT_TRUE(client.AwaitClose(absl::Seconds(10)));
  respond_ = nullptr;
  stopping.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(RawClient(port).Send(kGet));
}

// However long it takes to close the idle ones before it: an answer behind which the connection
// closes without a word makes its client send the next request into nothing.
TEST_F(HttpServerTest, SaysOnEveryAnswerThatItStops) {
  const uint16_t port = Start();
  std::deque<RawClient> idle;
  for (int i = 0; i < 100; ++i) idle.emplace_back(port);
  auto client = std::make_unique<RawClient>(port);
  client->Send("GET /held HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(held_.WaitForNotificationWithTimeout(absl::Seconds(20)));
  std::thread stopping([&] { server_->Stop(absl::Seconds(20)); });
  EXPECT_TRUE(idle.front().AwaitClose(absl::Seconds(10)));
  respond_({200, "late", {}});
  EXPECT_EQ(client->ReadStatus(), 200);
  EXPECT_NE(client->header().find("connection: close"), std::string::npos);
  respond_ = nullptr;
  client.reset();  // the server waits for that
  stopping.join();
}

TEST_F(HttpServerTest, CutsARequestAfterTheGracePeriod) {
  RawClient client(Start());
  client.Send("GET /held HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(held_.WaitForNotificationWithTimeout(absl::Seconds(20)));
  EXPECT_FALSE(server_->Stop(absl::Milliseconds(50)));
  EXPECT_EQ(client.ReadStatus(), 0);
  server_.reset();
  respond_({200, "too late", {}});
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  HttpServer::Options options;
  options.port = Start();
  const auto second = HttpServer::Start(options, [](HttpRequest, const HttpServer::Respond&) {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  options.host = "nowhere";
  const auto third = HttpServer::Start(options, [](HttpRequest, const HttpServer::Respond&) {});
  EXPECT_EQ(third.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace herald::webhook
