#include "server/webhook/webhook_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "providers/decoders/webhook_decoders.h"
#include "tests/unit/webhook/fake_sink.h"
#include "tests/unit/webhook/raw_client.h"
#include "tests/unit/webhook/recording_observer.h"
#include "tests/unit/webhook/signed_webhook.h"
#include "tests/unit/webhook/temp_file.h"

namespace herald::webhook {
namespace {

using providers::kOtherSecret;
using providers::kSecret;
using providers::kSignedAt;
using providers::SignedWebhook;
using providers::WebhookRequest;

constexpr char kDelivered[] = R"({"type":"email.delivered","data":{}})";

// The sidecar over a real socket, with heraldd played by a fake.
class WebhookServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(const EventForwarder::Options& forwarding) {
    std::map<std::string, WebhookEndpoint> endpoints;
    endpoints["resend-main"] = {
        providers::NewWebhookDecoder("resend"),
        std::make_unique<SecretFile>(secrets_.path(), providers::CheckSvixSecret)};
    server_.reset();
    service_ = std::make_unique<WebhookService>(std::move(endpoints), sink_, forwarding, observer_,
                                                [this] {
                                                  absl::MutexLock lock(&mutex_);
                                                  ++verified_;
                                                  return kSignedAt;
                                                });
    auto server =
        HttpServer::Start({}, [this](const HttpRequest& request, HttpServer::Respond respond) {
          service_->Handle(request, std::move(respond));
        });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  int PostTo(absl::string_view account, const WebhookRequest& webhook) {
    return Post(server_->port(), account, webhook);
  }
  int PostOne(const std::string& secret = kSecret, absl::Time at = kSignedAt) {
    return PostTo("resend-main", SignedWebhook(kDelivered, secret, at));
  }

  // Until the service has begun to verify `count` requests; it forwards each before the next.
  void AwaitVerified(int count) {
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return verified_ >= count; };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20));
  }

  absl::Mutex mutex_;
  int verified_ ABSL_GUARDED_BY(mutex_) = 0;
  TempFile secrets_{absl::StrCat(kSecret, "\n")};
  FakeSink sink_;
  RecordingObserver observer_;
  std::unique_ptr<WebhookService> service_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(WebhookServiceTest, AcknowledgesOnlyAfterTheEventIsDurable) {
  sink_.Hold();
  RawClient client(server_->port());
  client.Send(PostOf("resend-main", SignedWebhook(kDelivered)));
  ASSERT_EQ(sink_.AwaitCalls(1).size(), 1u);
  EXPECT_FALSE(client.AwaitClose(absl::Milliseconds(50)));
  EXPECT_EQ(observer_.Count("request 200"), 0);
  sink_.Release();
  EXPECT_EQ(client.ReadStatus(), 200);
  EXPECT_EQ(observer_.Count("event resend-main DELIVERED"), 1);
}

TEST_F(WebhookServiceTest, AsksForARetryWhileHeralddIsAway) {
  sink_.Fail(absl::UnavailableError("away"));
  RawClient client(server_->port());
  client.Send(PostOf("resend-main", SignedWebhook(kDelivered)));
  EXPECT_EQ(client.ReadStatus(), 503);
  EXPECT_NE(client.header().find("retry-after: 5"), std::string::npos);
  EXPECT_EQ(observer_.Count("deferred resend-main UNAVAILABLE"), 1);
  sink_.Fail(absl::OkStatus());
  EXPECT_EQ(PostOne(), 200);
}

TEST_F(WebhookServiceTest, AnswersABurstWithFewCalls) {
  constexpr int kRequests = 200;
  EventForwarder::Options one_call;
  one_call.calls_max = 1;
  Start(one_call);
  sink_.Hold();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kRequests; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->Send(PostOf(
        "resend-main", SignedWebhook(kDelivered, kSecret, kSignedAt, absl::StrCat("msg_", i))));
  }
  AwaitVerified(kRequests);
  sink_.Release();
  for (auto& client : clients) EXPECT_EQ(client->ReadStatus(), 200);
  size_t events = 0;
  const auto calls = sink_.AwaitCalls(1);
  for (const auto& call : calls) events += call.size();
  EXPECT_EQ(events, static_cast<size_t>(kRequests));
  // The first event alone, the rest together, and perhaps the last one late.
  EXPECT_LE(calls.size(), 3u);
  EXPECT_EQ(observer_.Count("event resend-main DELIVERED"), kRequests);
}

TEST_F(WebhookServiceTest, ShedsLoadWhenItsQueueIsFull) {
  EventForwarder::Options tiny;
  tiny.calls_max = 1;
  tiny.queue_events_max = 1;
  Start(tiny);
  sink_.Hold();
  RawClient running(server_->port());
  running.Send(PostOf("resend-main", SignedWebhook(kDelivered)));
  sink_.AwaitCalls(1);
  // One of the two finds the queue full, whichever comes second.
  RawClient a(server_->port());
  RawClient b(server_->port());
  a.Send(PostOf("resend-main", SignedWebhook(kDelivered)));
  b.Send(PostOf("resend-main", SignedWebhook(kDelivered)));
  EXPECT_TRUE(observer_.Await("request 503"));
  sink_.Release();
  EXPECT_EQ(running.ReadStatus(), 200);
  EXPECT_EQ(a.ReadStatus() + b.ReadStatus(), 200 + 503);
  EXPECT_EQ(observer_.Count("deferred resend-main RESOURCE_EXHAUSTED"), 1);
}

TEST_F(WebhookServiceTest, RefusesAndCountsAForgedBody) {
  WebhookRequest forged = SignedWebhook(kDelivered);
  forged.body[2] ^= 1;
  EXPECT_EQ(PostTo("resend-main", forged), 401);
  EXPECT_EQ(observer_.Count("refused resend-main bad_signature"), 1);
}

TEST_F(WebhookServiceTest, RefusesAndCountsAnOldTimestamp) {
  EXPECT_EQ(PostOne(kSecret, kSignedAt - absl::Minutes(6)), 401);
  EXPECT_EQ(observer_.Count("refused resend-main stale_timestamp"), 1);
}

TEST_F(WebhookServiceTest, RefusesAndCountsAMissingHeader) {
  EXPECT_EQ(PostTo("resend-main", {{}, kDelivered}), 401);
  EXPECT_EQ(observer_.Count("refused resend-main missing_header"), 1);
}

TEST_F(WebhookServiceTest, FollowsARotationWithoutARestart) {
  EXPECT_EQ(PostOne(kSecret), 200);
  EXPECT_EQ(PostOne(kOtherSecret), 401);
  secrets_.Write(absl::StrCat(kSecret, "\n", kOtherSecret, "\n"));
  EXPECT_EQ(PostOne(kSecret), 200);
  EXPECT_EQ(PostOne(kOtherSecret), 200);
  secrets_.Write(absl::StrCat(kOtherSecret, "\n"));
  EXPECT_EQ(PostOne(kSecret), 401);
  EXPECT_EQ(PostOne(kOtherSecret), 200);
  EXPECT_EQ(observer_.Count("refused resend-main bad_signature"), 2);
}

TEST_F(WebhookServiceTest, AsksForARetryWhileItsSecretsAreUnreadable) {
  secrets_.Write("");
  EXPECT_EQ(PostOne(), 503);
  EXPECT_EQ(observer_.Count("deferred resend-main UNAVAILABLE"), 1);
  secrets_.Write(kSecret);
  EXPECT_EQ(PostOne(), 200);
}

TEST_F(WebhookServiceTest, AcknowledgesUnknownEvents) {
  EXPECT_EQ(PostTo("resend-main", SignedWebhook(R"({"type":"contact.created"})")), 200);
  EXPECT_EQ(observer_.Count("event resend-main UNKNOWN"), 1);
}

TEST_F(WebhookServiceTest, AcknowledgesAndCountsWhatItCannotRead) {
  EXPECT_EQ(PostTo("resend-main", SignedWebhook("{")), 200);
  EXPECT_EQ(observer_.Count("unreadable resend-main"), 1);
}

TEST_F(WebhookServiceTest, AcknowledgesAndCountsWhatHeralddRefusesForGood) {
  sink_.Poison("msg_bad");
  EXPECT_EQ(PostTo("resend-main", SignedWebhook(kDelivered, kSecret, kSignedAt, "msg_bad")), 200);
  EXPECT_EQ(observer_.Count("unreadable resend-main"), 1);
  EXPECT_EQ(observer_.Count("event resend-main DELIVERED"), 0);
}

TEST_F(WebhookServiceTest, KnowsNoOtherAccount) {
  for (const char* account :
       {"resend-other", "", "resend-main/", "../resend-main", "RESEND-MAIN"}) {
    EXPECT_EQ(PostTo(account, SignedWebhook(kDelivered)), 404) << account;
  }
  EXPECT_EQ(observer_.Count("refused none unknown_account"), 5);
}

TEST_F(WebhookServiceTest, TakesOnlyPosts) {
  EXPECT_EQ(Get(server_->port(), "/v1/webhooks/resend-main"), 405);
  EXPECT_EQ(observer_.Count("refused resend-main method"), 1);
  EXPECT_EQ(Get(server_->port(), "/other"), 404);
}

TEST_F(WebhookServiceTest, IsHealthyButNotReadyWithoutHeraldd) {
  EXPECT_EQ(Get(server_->port(), "/healthz"), 200);
  EXPECT_EQ(Get(server_->port(), "/readyz"), 200);
  sink_.Fail(absl::UnavailableError("away"));
  EXPECT_EQ(Get(server_->port(), "/healthz"), 200);
  EXPECT_EQ(Get(server_->port(), "/readyz"), 503);
}

TEST_F(WebhookServiceTest, AnswersWhatIsInFlightWhenItStops) {
  sink_.Hold();
  RawClient client(server_->port());
  client.Send(PostOf("resend-main", SignedWebhook(kDelivered)));
  sink_.AwaitCalls(1);
  bool finished = false;
  std::thread stopping([&] { finished = server_->Stop(absl::Seconds(20)); });
  sink_.Release();
  EXPECT_EQ(client.ReadStatus(), 200);
  EXPECT_TRUE(client.AwaitClose(absl::Seconds(10)));
  stopping.join();
  EXPECT_TRUE(finished);
}

}  // namespace
}  // namespace herald::webhook
