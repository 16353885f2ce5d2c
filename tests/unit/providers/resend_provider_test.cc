#include "providers/resend/resend_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "providers/http/curl_http_client.h"
#include "tests/support/ground_truth.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/providers/send_answer.h"

namespace herald::providers {
namespace {

using ::herald::testing::ReadGroundTruth;
using ::herald::testing::ResendEmulator;
using ::herald::testing::ResendEmulatorOptions;
using ::herald::testing::ResendFault;
using Kind = ResendFault::Kind;

class ResendProviderTest : public ::testing::Test {
 protected:
  ResendFault Fault(Kind kind) {
    ResendFault fault;
    fault.kind = kind;
    return fault;
  }

  std::unique_ptr<Provider> Make(std::string api_key = "re_test") {
    ResendOptions options;
    options.base_url = emulator_.url();
    options.api_key = std::move(api_key);
    return MakeResendProvider(std::move(options), *http_);
  }

  ResendEmulatorOptions WithGroundTruth() {
    ResendEmulatorOptions options;
    options.ground_truth = truth_;
    return options;
  }

  const herald::testing::TempDirectory directory_;
  const std::string truth_ = directory_.path() + "/accepted.log";
  ResendEmulator emulator_{WithGroundTruth()};
  std::unique_ptr<HttpClient> http_ = MakeCurlHttpClient({});
  std::unique_ptr<Provider> provider_ = Make();
};

TEST_F(ResendProviderTest, HandsOverTheWholeMessage) {
  OutboundMessage message = ExampleMessage();
  message.attachments = {{"a.txt", "text/plain", std::string("\0\x01hi", 4), "cid1"}};
  message.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_EQ(SendAndWait(*provider_, message).outcome, Outcome::kAccepted);

  EXPECT_EQ(nlohmann::json::parse(emulator_.last_body()), nlohmann::json::parse(R"({
    "from": "\"Example, Orders\" <orders@example.com>",
    "to": ["Zoë <delivered@sandbox.herald.test>"],
    "subject": "Your order – confirmed",
    "reply_to": ["help@example.com"],
    "html": "<p>Thank you, Zoë</p>",
    "text": "Thank you, Zoë",
    "headers": {"X-Order": "order_123"},
    "attachments": [{"filename": "a.txt", "content": "AAFoaQ==", "content_type": "text/plain",
                     "content_id": "cid1"}],
    "tags": [{"name": "herald_email_id", "value": "em_0d3v7q9k2x5ab"},
             {"name": "herald_tenant_id", "value": "tn_0000000000001"}]})"));
  EXPECT_EQ(emulator_.last_header("idempotency-key"), message.idempotency_key);
  EXPECT_EQ(emulator_.last_header("authorization"), "Bearer re_test");
  EXPECT_EQ(emulator_.last_header("traceparent"), message.traceparent);
  EXPECT_TRUE(absl::StartsWith(emulator_.last_header("user-agent"), "herald/"));
}

TEST_F(ResendProviderTest, QuotesNamesThatNeedIt) {
  OutboundMessage message = ExampleMessage();
  message.from.name = "A \"B\" \\ C";
  ASSERT_EQ(SendAndWait(*provider_, message).outcome, Outcome::kAccepted);
  EXPECT_EQ(nlohmann::json::parse(emulator_.last_body())["from"],
            "\"A \\\"B\\\" \\\\ C\" <orders@example.com>");
}

class LostAnswer : public ResendProviderTest, public ::testing::WithParamInterface<Kind> {};

TEST_P(LostAnswer, IsUnconfirmedAndItsRepetitionDeliversOnce) {
  emulator_.Script(Fault(GetParam()));
  const SendResult lost = SendAndWait(*provider_, ExampleMessage(), absl::Milliseconds(300));
  EXPECT_EQ(lost.outcome, Outcome::kUnconfirmed);
  EXPECT_EQ(lost.error_code, "no_answer");
  const SendResult repeated = SendAndWait(*provider_, ExampleMessage());
  EXPECT_EQ(repeated.outcome, Outcome::kAccepted);
  EXPECT_EQ(emulator_.requests(), 2);
  EXPECT_EQ(ReadGroundTruth(truth_).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Faults, LostAnswer,
                         ::testing::Values(Kind::kAcceptThenClose, Kind::kAcceptThenReset,
                                           Kind::kAcceptThenHang, Kind::kAcceptThenHalfAnswer));

TEST_F(ResendProviderTest, IsUnconfirmedAlsoWhenNothingWasTaken) {
  emulator_.Script(Fault(Kind::kCutBeforeAccept));
  EXPECT_EQ(SendAndWait(*provider_, ExampleMessage()).outcome, Outcome::kUnconfirmed);
  EXPECT_EQ(emulator_.accepted(), 0);
}

TEST_F(ResendProviderTest, IsUnconfirmedWhileAnEarlierRequestRuns) {
  ResendFault slow;
  slow.delay = absl::Seconds(60);
  emulator_.Script(slow);
  ASSERT_EQ(SendAndWait(*provider_, ExampleMessage(), absl::Milliseconds(100)).error_code,
            "no_answer");
  const SendResult repeated = SendAndWait(*provider_, ExampleMessage());
  EXPECT_EQ(repeated.outcome, Outcome::kUnconfirmed);
  EXPECT_EQ(repeated.error_code, "concurrent_idempotent_requests");
}

TEST_F(ResendProviderTest, IsUnconfirmedWhenTheKeyWasUsedWithOtherContent) {
  ASSERT_EQ(SendAndWait(*provider_, ExampleMessage()).outcome, Outcome::kAccepted);
  OutboundMessage other = ExampleMessage();
  other.subject = "Something else";
  const SendResult result = SendAndWait(*provider_, other);
  EXPECT_EQ(result.outcome, Outcome::kUnconfirmed);
  EXPECT_EQ(result.error_code, "invalid_idempotent_request");
  EXPECT_EQ(emulator_.accepted(), 1);
}

TEST_F(ResendProviderTest, IsRejectedForAnInvalidRecipientWithoutRepeatingIt) {
  OutboundMessage message = ExampleMessage();
  message.to.address = "nobody";
  const SendResult result = SendAndWait(*provider_, message);
  EXPECT_EQ(result.outcome, Outcome::kRejected);
  EXPECT_EQ(result.error_code, "invalid_parameter");
  EXPECT_FALSE(absl::StrContains(result.detail, "nobody"));
}

TEST_F(ResendProviderTest, IsRejectedUnsentWhenTooLarge) {
  OutboundMessage message = ExampleMessage();
  message.attachments = {{"big", "text/plain", std::string(31'000'000, 'x'), ""}};
  EXPECT_EQ(SendAndWait(*provider_, message).error_code, "message_too_large");
  EXPECT_EQ(emulator_.requests(), 0);
}

TEST_F(ResendProviderTest, IsDownForAnUnverifiedDomain) {
  OutboundMessage message = ExampleMessage();
  message.from.address = "a@unverified.test";
  EXPECT_EQ(SendAndWait(*provider_, message).outcome, Outcome::kProviderDown);
}

TEST_F(ResendProviderTest, IsDownForBadKeys) {
  EXPECT_EQ(SendAndWait(*Make("re_other"), ExampleMessage()).error_code, "invalid_api_key");
  EXPECT_EQ(SendAndWait(*Make("re_suspended"), ExampleMessage()).error_code, "suspended_api_key");
}

TEST_F(ResendProviderTest, IsRetryableWhenTheProviderIsAway) {
  ResendOptions options;
  {
    ResendEmulator gone;
    options.base_url = gone.url();
  }
  const auto provider = MakeResendProvider(options, *http_);
  EXPECT_EQ(SendAndWait(*provider, ExampleMessage()).outcome, Outcome::kRetryable);
}

// Refuses, and counts what it was asked.
class ClosedHttp : public HttpClient {
 public:
  void Send(HttpRequest /*request*/, Done done) override {
    ++asked;
    done(HttpResponse());
  }
  int asked = 0;
};

TEST(ResendUrgency, WhatIsUrgentHasConnectionsOfItsOwn) {
  ClosedHttp shared, urgent;
  ResendOptions options;
  options.urgent_http = &urgent;
  const auto provider = MakeResendProvider(options, shared);
  OutboundMessage message = ExampleMessage();
  SendAndWait(*provider, message);
  EXPECT_EQ(shared.asked, 1);
  message.urgent = true;
  SendAndWait(*provider, message);
  EXPECT_EQ(shared.asked, 1);
  EXPECT_EQ(urgent.asked, 1);
}

TEST(ResendRateLimit, IsRetryableWithTheTimeAskedFor) {
  ResendEmulatorOptions emulated;
  emulated.requests_per_second_max = 1;
  emulated.clock = [] { return absl::FromUnixSeconds(1790000000); };
  ResendEmulator emulator(emulated);
  const auto http = MakeCurlHttpClient({});
  ResendOptions options;
  options.base_url = emulator.url();
  options.api_key = "re_test";
  const auto provider = MakeResendProvider(options, *http);
  ASSERT_EQ(SendAndWait(*provider, ExampleMessage()).outcome, Outcome::kAccepted);
  const SendResult limited = SendAndWait(*provider, ExampleMessage());
  EXPECT_EQ(limited.outcome, Outcome::kRetryable);
  EXPECT_EQ(limited.retry_after, absl::Seconds(1));
}

TEST(ResendEmulatorTest, RefusesRequestsWithoutUserAgent) {
  ResendEmulator emulator;
  const auto http = MakeCurlHttpClient({});
  ResendOptions options;
  options.base_url = emulator.url();
  options.api_key = "re_test";
  options.user_agent = "";
  const auto provider = MakeResendProvider(options, *http);
  const SendResult result = SendAndWait(*provider, ExampleMessage());
  EXPECT_EQ(result.outcome, Outcome::kProviderDown);
  EXPECT_EQ(result.error_code, "403");
}

std::vector<OutboundMessage> ThreeMessages() {
  std::vector<OutboundMessage> messages(3, ExampleMessage());
  for (size_t i = 0; i < 3; ++i) messages[i].email_id = absl::StrCat("em_", i);
  return messages;
}

TEST_F(ResendProviderTest, ABatchIsOneCallUnderOneKey) {
  ASSERT_EQ(SendBatchAndWait(*provider_, ThreeMessages()).size(), 3u);
  EXPECT_EQ(emulator_.requests(), 1);
  EXPECT_EQ(nlohmann::json::parse(emulator_.last_body()).size(), 3u);
  EXPECT_EQ(emulator_.last_header("idempotency-key"),
            provider_->PrepareBatch(ThreeMessages(), "batch")->key());
}

TEST_F(ResendProviderTest, OneBadItemOfABatchIsRejectedAlone) {
  std::vector<OutboundMessage> messages = ThreeMessages();
  messages[1].to.address = "nowhere";
  const std::vector<SendResult> results = SendBatchAndWait(*provider_, messages);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].outcome, Outcome::kAccepted);
  EXPECT_EQ(results[1].outcome, Outcome::kRejected);
  EXPECT_EQ(results[2].outcome, Outcome::kAccepted);
  EXPECT_NE(results[2].provider_message_id, "");
  ASSERT_EQ(ReadGroundTruth(truth_).size(), 2u);
  EXPECT_EQ(ReadGroundTruth(truth_)[1].email_id, "em_2");
}

TEST_F(ResendProviderTest, ABatchThatWasTakenAndCutIsUnconfirmedAndItsRepetitionDeliversOnce) {
  emulator_.Script(Fault(Kind::kAcceptThenClose));
  for (const SendResult& result : SendBatchAndWait(*provider_, ThreeMessages())) {
    EXPECT_EQ(result.outcome, Outcome::kUnconfirmed);
  }
  for (const SendResult& result : SendBatchAndWait(*provider_, ThreeMessages())) {
    EXPECT_EQ(result.outcome, Outcome::kAccepted);
  }
  EXPECT_EQ(emulator_.requests(), 2);
  EXPECT_EQ(ReadGroundTruth(truth_).size(), 3u);
}

TEST_F(ResendProviderTest, AnErrorOfTheBatchCallIsTheErrorOfEachItem) {
  ResendFault busy = Fault(Kind::kError);
  busy.status = 429;
  busy.name = "rate_limit_exceeded";
  busy.headers = {{"Retry-After", "7"}};
  emulator_.Script(busy);
  const std::vector<SendResult> results = SendBatchAndWait(*provider_, ThreeMessages());
  ASSERT_EQ(results.size(), 3u);
  for (const SendResult& result : results) {
    EXPECT_EQ(result.outcome, Outcome::kRetryable);
    EXPECT_EQ(result.retry_after, absl::Seconds(7));
  }
}

}  // namespace
}  // namespace herald::providers
