#include "providers/http/curl_http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/match.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "tests/support/http_emulator.h"
#include "tests/unit/providers/http_answer.h"

namespace herald::providers {
namespace {

using ::herald::testing::EmulatedReply;
using ::herald::testing::EmulatedRequest;
using ::herald::testing::HttpEmulator;
using Fault = EmulatedReply::Fault;
using Transport = HttpResponse::Transport;

HttpRequest Post(std::string url, std::string body = "{}") {
  HttpRequest request;
  request.url = std::move(url);
  request.body = std::move(body);
  request.headers = {{"Content-Type", "application/json"}};
  return request;
}

EmulatedReply Broken(Fault fault) {
  EmulatedReply reply;
  reply.body = "half of this";
  reply.fault = fault;
  return reply;
}

class CurlHttpClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<HttpClient> client_ = MakeCurlHttpClient({});
};

TEST_F(CurlHttpClientTest, CarriesRequestAndAnswer) {
  EmulatedRequest seen;
  HttpEmulator server([&](const EmulatedRequest& request) {
    seen = request;
    EmulatedReply reply;
    reply.status = 202;
    reply.headers = {{"X-Message-Id", "m1"}};
    reply.body = "taken";
    return reply;
  });
  HttpRequest request = Post(server.url() + "/emails", "{\"a\":1}");
  request.headers.emplace_back("Idempotency-Key", "k1");
  const HttpResponse response = SendAndWait(*client_, request);

  ASSERT_EQ(response.transport, Transport::kAnswered) << response.error;
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body, "taken");
  EXPECT_THAT(response.headers, ::testing::Contains(::testing::Pair("x-message-id", "m1")));
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/emails");
  EXPECT_EQ(seen.body, "{\"a\":1}");
  EXPECT_EQ(seen.Header("idempotency-key"), "k1");
  EXPECT_EQ(seen.Header("content-type"), "application/json");
}

TEST_F(CurlHttpClientTest, SendsLargeBodiesWithoutExpecting100Continue) {
  EmulatedRequest seen;
  HttpEmulator server([&](const EmulatedRequest& request) {
    seen = request;
    return EmulatedReply{};
  });
  const HttpResponse response =
      SendAndWait(*client_, Post(server.url(), std::string(5 << 20, 'x')));
  ASSERT_EQ(response.transport, Transport::kAnswered) << response.error;
  EXPECT_EQ(seen.body.size(), size_t{5} << 20);
  EXPECT_FALSE(seen.Header("expect").has_value());
}

TEST_F(CurlHttpClientTest, SendsRequestsWithoutBody) {
  EmulatedRequest seen;
  HttpEmulator server([&](const EmulatedRequest& request) {
    seen = request;
    return EmulatedReply{};
  });
  for (const char* method : {"GET", "DELETE", "POST"}) {
    HttpRequest request = Post(server.url(), "");
    request.method = method;
    ASSERT_EQ(SendAndWait(*client_, request).transport, Transport::kAnswered);
    EXPECT_EQ(seen.method, method);
    EXPECT_EQ(seen.body, "");
  }
}

TEST_F(CurlHttpClientTest, KeepsConnectionsAlive) {
  HttpEmulator server([](const EmulatedRequest&) { return EmulatedReply{}; });
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kAnswered);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CurlHttpClientTest, BoundsConnectionsToOneOriginAndServesAllInTurn) {
  HttpEmulator server([](const EmulatedRequest&) { return EmulatedReply{}; });
  CurlHttpClientOptions options;
  options.origin_connections_max = 4;
  client_ = MakeCurlHttpClient(options);
  constexpr int kRequests = 500;
  absl::BlockingCounter left(kRequests);
  std::atomic<int> answered{0};
  for (int i = 0; i < kRequests; ++i) {
    client_->Send(Post(server.url()), [&](const HttpResponse& response) {
      if (response.transport == Transport::kAnswered) ++answered;
      left.DecrementCount();
    });
  }
  left.Wait();
  EXPECT_EQ(answered, kRequests);
  EXPECT_LE(server.connections(), 4);
}

TEST_F(CurlHttpClientTest, DoesNotFollowRedirects) {
  HttpEmulator server([&](const EmulatedRequest& request) {
    EmulatedReply reply;
    reply.status = 307;
    reply.headers = {{"Location", request.target + "/elsewhere"}};
    return reply;
  });
  const HttpResponse response = SendAndWait(*client_, Post(server.url()));
  EXPECT_EQ(response.transport, Transport::kAnswered);
  EXPECT_EQ(response.status, 307);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(CurlHttpClientTest, CallsRefusedConnectionsNotSent) {
  int port = 0;
  {
    HttpEmulator gone([](const EmulatedRequest&) { return EmulatedReply{}; });
    port = gone.port();
  }
  const HttpResponse response =
      SendAndWait(*client_, Post("http://127.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(response.transport, Transport::kNotSent);
  EXPECT_NE(response.error, "");
}

TEST_F(CurlHttpClientTest, CallsUnknownHostsNotSent) {
  EXPECT_EQ(SendAndWait(*client_, Post("http://no-such-host.invalid/")).transport,
            Transport::kNotSent);
}

TEST_F(CurlHttpClientTest, CallsFailedTlsHandshakesNotSent) {
  HttpEmulator plain([](const EmulatedRequest&) { return EmulatedReply{}; });
  const HttpResponse response =
      SendAndWait(*client_, Post("https://127.0.0.1:" + std::to_string(plain.port())));
  EXPECT_EQ(response.transport, Transport::kNotSent) << response.error;
}

TEST_F(CurlHttpClientTest, RefusesOtherProtocols) {
  EXPECT_EQ(SendAndWait(*client_, Post("file:///etc/hostname")).transport, Transport::kNotSent);
}

TEST_F(CurlHttpClientTest, RefusesLineBreaksInHeaders) {
  HttpEmulator server([](const EmulatedRequest&) { return EmulatedReply{}; });
  HttpRequest request = Post(server.url());
  request.headers.emplace_back("X-Trace", "a\r\nX-Injected: b");
  EXPECT_EQ(SendAndWait(*client_, request).transport, Transport::kNotSent);
  EXPECT_EQ(server.requests(), 0);
}

class CutAnswer : public CurlHttpClientTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(CutAnswer, IsUnknownAndSeenOnce) {
  HttpEmulator server([](const EmulatedRequest&) { return Broken(GetParam()); });
  const HttpResponse response = SendAndWait(*client_, Post(server.url()));
  EXPECT_EQ(response.transport, Transport::kUnknown);
  EXPECT_NE(response.error, "");
  EXPECT_EQ(server.requests(), 1);
}

TEST_P(CutAnswer, OnAReusedConnectionIsUnknownAndSeenOnce) {
  HttpEmulator server([](const EmulatedRequest& request) {
    return request.request_on_connection == 0 ? EmulatedReply{} : Broken(GetParam());
  });
  ASSERT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kAnswered);
  EXPECT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kUnknown);
  EXPECT_EQ(server.requests(), 2);
}

TEST_P(CutAnswer, OnAReusedConnectionIsUnknownAlsoWithoutABody) {
  HttpEmulator server([](const EmulatedRequest& request) {
    return request.request_on_connection == 0 ? EmulatedReply{} : Broken(GetParam());
  });
  ASSERT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kAnswered);
  EXPECT_EQ(SendAndWait(*client_, Post(server.url(), "")).transport, Transport::kUnknown);
  EXPECT_EQ(server.requests(), 2);
}

INSTANTIATE_TEST_SUITE_P(Faults, CutAnswer,
                         ::testing::Values(Fault::kClose, Fault::kReset, Fault::kHalfAnswer));

TEST_F(CurlHttpClientTest, WorksAgainAfterAConnectionDied) {
  HttpEmulator server([](const EmulatedRequest& request) {
    return request.request_on_connection == 1 ? Broken(Fault::kReset) : EmulatedReply{};
  });
  ASSERT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kAnswered);
  ASSERT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kUnknown);
  EXPECT_EQ(SendAndWait(*client_, Post(server.url())).transport, Transport::kAnswered);
}

TEST_F(CurlHttpClientTest, TimesOutAsUnknownOnceTheRequestLeft) {
  HttpEmulator server([](const EmulatedRequest&) { return Broken(Fault::kHang); });
  HttpRequest request = Post(server.url());
  request.timeout = absl::Milliseconds(100);
  EXPECT_EQ(SendAndWait(*client_, request).transport, Transport::kUnknown);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(CurlHttpClientTest, TimesOutAsNotSentWhileWaitingForAConnection) {
  absl::Notification reached;
  HttpEmulator server([&](const EmulatedRequest&) {
    reached.Notify();
    return Broken(Fault::kHang);
  });
  CurlHttpClientOptions options;
  options.origin_connections_max = 1;
  client_ = MakeCurlHttpClient(options);
  HttpAnswer hanging;
  client_->Send(Post(server.url()), hanging.Callback());
  reached.WaitForNotification();
  HttpRequest request = Post(server.url());
  request.timeout = absl::Milliseconds(100);
  EXPECT_EQ(SendAndWait(*client_, request).transport, Transport::kNotSent);
  client_.reset();
  EXPECT_EQ(hanging.Wait().transport, Transport::kUnknown);
}

TEST_F(CurlHttpClientTest, RefusesMoreThanMayWait) {
  HttpEmulator server([](const EmulatedRequest&) { return Broken(Fault::kHang); });
  CurlHttpClientOptions options;
  options.origin_connections_max = 1;
  options.waiting_max = 1;
  client_ = MakeCurlHttpClient(options);
  HttpAnswer sent, waits;
  client_->Send(Post(server.url()), sent.Callback());
  client_->Send(Post(server.url()), waits.Callback());
  EXPECT_EQ(SendAndWait(*client_, Post(server.url())).error, "too many requests wait");
  client_.reset();
  EXPECT_EQ(waits.Wait().transport, Transport::kNotSent);
}

TEST_F(CurlHttpClientTest, CallsOversizedAnswersUnknown) {
  HttpEmulator server([](const EmulatedRequest&) {
    EmulatedReply reply;
    reply.body = std::string(100'000, 'x');
    return reply;
  });
  HttpRequest request = Post(server.url());
  request.response_bytes_max = 10'000;
  const HttpResponse response = SendAndWait(*client_, request);
  EXPECT_EQ(response.transport, Transport::kUnknown);
  EXPECT_EQ(response.error, "answer larger than 10000 bytes");
}

TEST_F(CurlHttpClientTest, AnswersEverythingOnceWhenDestroyedInFlight) {
  absl::Notification reached;
  HttpEmulator server([&](const EmulatedRequest&) {
    if (!reached.HasBeenNotified()) reached.Notify();
    return Broken(Fault::kHang);
  });
  std::atomic<int> answers{0};
  for (int i = 0; i < 200; ++i) {
    client_->Send(Post(server.url()), [&](const HttpResponse&) { ++answers; });
  }
  reached.WaitForNotification();
  client_.reset();
  EXPECT_EQ(answers, 200);
}

TEST_F(CurlHttpClientTest, MaySendFromWithinDone) {
  HttpEmulator server([](const EmulatedRequest&) { return EmulatedReply{}; });
  HttpAnswer second;
  client_->Send(Post(server.url()),
                [&](const HttpResponse&) { client_->Send(Post(server.url()), second.Callback()); });
  EXPECT_EQ(second.Wait().transport, Transport::kAnswered);
}

}  // namespace
}  // namespace herald::providers
