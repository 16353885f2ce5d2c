#include "providers/sandbox/sandbox_provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "model/ids.h"
#include "providers/decoders/webhook_decoders.h"
#include "providers/http/curl_http_client.h"
#include "tests/support/ground_truth.h"
#include "tests/support/http_emulator.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/providers/send_answer.h"

namespace herald::providers {
namespace {

using ::herald::testing::EmulatedReply;
using ::herald::testing::EmulatedRequest;
using ::herald::testing::HttpEmulator;
using ::herald::testing::ReadGroundTruth;
using ::herald::testing::TempDirectory;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// Takes webhooks, refusing the first few.
class Receiver {
 public:
  explicit Receiver(int refused = 0) : refused_(refused) {}

  std::string url() const { return emulator_.url(); }

  std::vector<EmulatedRequest> WaitFor(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return seen_.size() >= count; };
    mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20));
    return seen_;
  }

  // The types of the first `count` events and nothing else of them.
  std::vector<std::string> WaitForTypes(size_t count) {
    std::vector<std::string> types;
    for (const EmulatedRequest& request : WaitFor(count)) {
      types.push_back(nlohmann::json::parse(request.body)["type"]);
    }
    return types;
  }

 private:
  absl::Mutex mu_;
  int refused_ ABSL_GUARDED_BY(mu_);
  std::vector<EmulatedRequest> seen_ ABSL_GUARDED_BY(mu_);
  HttpEmulator emulator_{[this](const EmulatedRequest& request) {
    absl::MutexLock lock(&mu_);
    seen_.push_back(request);
    EmulatedReply reply;
    if (refused_-- > 0) reply.status = 503;
    return reply;
  }};
};

OutboundMessage MessageTo(absl::string_view local, int number = 1) {
  OutboundMessage message = ExampleMessage();
  message.to.address = absl::StrCat(local, "@sandbox.herald.test");
  message.email_id = FormatEmailId(EmailId{number});
  message.idempotency_key = absl::StrCat("key:", number);
  return message;
}

class SandboxProviderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Provider> Make(std::string webhook_url = "") {
    SandboxOptions options;
    options.directory = directory_.path();
    options.webhook_url = std::move(webhook_url);
    options.webhook_secret = kSecret;
    options.event_interval = absl::Milliseconds(20);
    options.webhook_backoff = absl::Milliseconds(10);
    auto provider = MakeSandboxProvider(options, *http_);
    EXPECT_TRUE(provider.ok()) << provider.status();
    return *std::move(provider);
  }

  size_t Accepted() const { return ReadGroundTruth(directory_.path() + "/accepted.log").size(); }

  const TempDirectory directory_;
  const std::unique_ptr<HttpClient> http_ = MakeCurlHttpClient({});
};

TEST_F(SandboxProviderTest, KeepsTheMailAsAFile) {
  const auto provider = Make();
  ASSERT_EQ(SendAndWait(*provider, MessageTo("delivered")).outcome, Outcome::kAccepted);
  std::ifstream file(directory_.path() + "/tn_0000000000001/em_0000000000001.eml");
  std::stringstream mail;
  mail << file.rdbuf();
  EXPECT_THAT(mail.str(), ::testing::HasSubstr("Subject: Your order"));
}

TEST_F(SandboxProviderTest, RecordsWhatItAcceptedBeforeItAnswers) {
  const auto provider = Make();
  ASSERT_EQ(SendAndWait(*provider, MessageTo("delivered", 7)).outcome, Outcome::kAccepted);
  const auto lines = ReadGroundTruth(directory_.path() + "/accepted.log");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0].email_id, FormatEmailId(EmailId{7}));
  EXPECT_EQ(lines[0].idempotency_key, "key:7");
}

TEST_F(SandboxProviderTest, DeliversARepeatedKeyOnceAcrossRestarts) {
  const std::string id = SendAndWait(*Make(), MessageTo("delivered")).provider_message_id;
  const SendResult repeated = SendAndWait(*Make(), MessageTo("delivered"));
  EXPECT_EQ(repeated.outcome, Outcome::kAccepted);
  EXPECT_EQ(repeated.provider_message_id, id);
  EXPECT_EQ(Accepted(), 1u);
}

TEST_F(SandboxProviderTest, DeliversARepeatedKeyOnceAcrossProcessesThatShareTheDirectory) {
  const auto one = Make();
  const auto other = Make();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(SendAndWait(*one, MessageTo("delivered", i)).outcome, Outcome::kAccepted);
    EXPECT_EQ(SendAndWait(*other, MessageTo("delivered", i)).outcome, Outcome::kAccepted);
  }
  EXPECT_EQ(Accepted(), 20u);
}

TEST_F(SandboxProviderTest, WithoutIdempotencyARepeatedKeyIsAnotherMessage) {
  SandboxOptions options;
  options.directory = directory_.path();
  options.idempotent = false;
  const auto provider = *MakeSandboxProvider(options, *http_);
  EXPECT_EQ(provider->capabilities().idempotency_window, absl::ZeroDuration());
  const SendResult first = SendAndWait(*provider, MessageTo("delivered"));
  const SendResult second = SendAndWait(*provider, MessageTo("delivered"));
  EXPECT_NE(first.provider_message_id, second.provider_message_id);
  EXPECT_EQ(Accepted(), 2u);
}

TEST_F(SandboxProviderTest, DropsALineThatACrashTore) {
  ASSERT_EQ(SendAndWait(*Make(), MessageTo("delivered", 1)).outcome, Outcome::kAccepted);
  std::ofstream(directory_.path() + "/accepted.log", std::ios::app) << "em_2\tkey:2";
  ASSERT_EQ(SendAndWait(*Make(), MessageTo("delivered", 2)).outcome, Outcome::kAccepted);
  const auto lines = ReadGroundTruth(directory_.path() + "/accepted.log");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[1].idempotency_key, "key:2");
}

TEST_F(SandboxProviderTest, RefusesIdsThatAreNoFileNames) {
  OutboundMessage message = MessageTo("delivered");
  message.email_id = "../escape";
  EXPECT_EQ(SendAndWait(*Make(), message).outcome, Outcome::kRejected);
}

// Reads a webhook as the sidecar does.
absl::StatusOr<std::vector<DecodedEvent>> Decode(const EmulatedRequest& request) {
  return NewWebhookDecoder("sandbox")->Decode({request.headers, request.body}, {kSecret},
                                              absl::Now());
}

TEST_F(SandboxProviderTest, SendsWebhooksThatTheSidecarVerifiesAndReads) {
  Receiver receiver;
  const auto provider = Make(receiver.url());
  const SendResult result = SendAndWait(*provider, MessageTo("delivered"));
  const auto webhooks = receiver.WaitFor(2);
  ASSERT_THAT(webhooks, SizeIs(2));
  EXPECT_NE(webhooks[0].Header("svix-id"), webhooks[1].Header("svix-id"));
  const auto events = Decode(webhooks[1]);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_THAT(*events, SizeIs(1));
  const DecodedEvent& event = events->front();
  EXPECT_EQ(event.type, EventType::kDelivered);
  EXPECT_EQ(event.provider_message_id, result.provider_message_id);
  EXPECT_EQ(event.email_id, EmailId{1});
  EXPECT_EQ(event.tenant_id, TenantId{1});
}

struct Fate {
  const char* local;
  std::vector<std::string> types;
};

class SimulatedFate : public SandboxProviderTest, public ::testing::WithParamInterface<Fate> {};

TEST_P(SimulatedFate, IsReportedInOrder) {
  Receiver receiver;
  const auto provider = Make(receiver.url());
  ASSERT_EQ(SendAndWait(*provider, MessageTo(GetParam().local)).outcome, Outcome::kAccepted);
  EXPECT_EQ(receiver.WaitForTypes(GetParam().types.size()), GetParam().types);
}

INSTANTIATE_TEST_SUITE_P(
    Recipients, SimulatedFate,
    ::testing::Values(Fate{"delivered", {"email.sent", "email.delivered"}},
                      Fate{"bounced", {"email.sent", "email.bounced"}},
                      Fate{"softbounced", {"email.sent", "email.bounced"}},
                      Fate{"complained", {"email.sent", "email.delivered", "email.complained"}},
                      Fate{"delayed", {"email.sent", "email.delivery_delayed", "email.delivered"}},
                      Fate{"suppressed", {"email.suppressed"}}));

TEST_F(SandboxProviderTest, TellsHardAndSoftBouncesApart) {
  Receiver receiver;
  const auto provider = Make(receiver.url());
  SendAndWait(*provider, MessageTo("bounced", 1));
  const auto hard = Decode(receiver.WaitFor(2).at(1));
  SendAndWait(*provider, MessageTo("softbounced", 2));
  const auto soft = Decode(receiver.WaitFor(4).at(3));
  ASSERT_TRUE(hard.ok() && soft.ok());
  EXPECT_EQ(hard->at(0).bounce_class, BounceClass::kHard);
  EXPECT_THAT(hard->at(0).diagnostic, ::testing::HasSubstr("550 5.1.1"));
  EXPECT_EQ(soft->at(0).bounce_class, BounceClass::kSoft);
}

TEST_F(SandboxProviderTest, ReportsASuppressedRecipientAsDropped) {
  Receiver receiver;
  const auto provider = Make(receiver.url());
  SendAndWait(*provider, MessageTo("suppressed"));
  const auto events = Decode(receiver.WaitFor(1).at(0));
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->at(0).type, EventType::kRejected);
}

TEST_F(SandboxProviderTest, RepeatsAWebhookUnderTheSameIdUntilItIsReceived) {
  Receiver receiver(/*refused=*/3);
  const auto provider = Make(receiver.url());
  SendAndWait(*provider, MessageTo("suppressed"));
  const auto webhooks = receiver.WaitFor(4);
  ASSERT_THAT(webhooks, SizeIs(4));
  for (const EmulatedRequest& webhook : webhooks) {
    EXPECT_EQ(webhook.Header("svix-id"), webhooks[0].Header("svix-id"));
    EXPECT_EQ(webhook.body, webhooks[0].body);
  }
}

TEST_F(SandboxProviderTest, ReportsAgainUnderTheSameIdsWhatAnEarlierLifeAccepted) {
  SendAndWait(*Make(), MessageTo("delivered"));
  Receiver receiver;
  const auto provider = Make(receiver.url());
  SendAndWait(*provider, MessageTo("delivered"));
  EXPECT_THAT(receiver.WaitForTypes(2), ElementsAre("email.sent", "email.delivered"));
}

TEST_F(SandboxProviderTest, RejectsForRejected) {
  EXPECT_EQ(SendAndWait(*Make(), MessageTo("rejected")).outcome, Outcome::kRejected);
  EXPECT_EQ(Accepted(), 0u);
}

TEST_F(SandboxProviderTest, IsDownForDown) {
  EXPECT_EQ(SendAndWait(*Make(), MessageTo("down+x")).outcome, Outcome::kProviderDown);
  EXPECT_EQ(Accepted(), 0u);
}

TEST_F(SandboxProviderTest, TakesRetryAtTheThirdAttempt) {
  const auto provider = Make();
  EXPECT_EQ(SendAndWait(*provider, MessageTo("retry")).outcome, Outcome::kRetryable);
  EXPECT_EQ(SendAndWait(*provider, MessageTo("retry")).outcome, Outcome::kRetryable);
  EXPECT_EQ(Accepted(), 0u);
  EXPECT_EQ(SendAndWait(*provider, MessageTo("retry")).outcome, Outcome::kAccepted);
  EXPECT_EQ(Accepted(), 1u);
}

TEST_F(SandboxProviderTest, LosesTheFirstAnswerForUnconfirmedButDeliversOnce) {
  Receiver receiver;
  const auto provider = Make(receiver.url());
  EXPECT_EQ(SendAndWait(*provider, MessageTo("unconfirmed")).outcome, Outcome::kUnconfirmed);
  EXPECT_EQ(Accepted(), 1u);
  EXPECT_THAT(receiver.WaitForTypes(2), ElementsAre("email.sent", "email.delivered"));
  EXPECT_EQ(SendAndWait(*provider, MessageTo("unconfirmed")).outcome, Outcome::kAccepted);
  EXPECT_EQ(Accepted(), 1u);
}

TEST_F(SandboxProviderTest, RefusesABadSecret) {
  SandboxOptions options;
  options.directory = directory_.path();
  options.webhook_url = "http://127.0.0.1:1/";
  options.webhook_secret = "secret";
  EXPECT_EQ(MakeSandboxProvider(options, *http_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(SandboxProviderTest, RefusesADirectoryItCannotMake) {
  SandboxOptions options;
  options.directory = "/proc/herald";
  EXPECT_EQ(MakeSandboxProvider(options, *http_).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace herald::providers
