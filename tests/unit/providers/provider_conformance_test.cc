#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "providers/http/curl_http_client.h"
#include "providers/resend/resend_provider.h"
#include "providers/sandbox/sandbox_provider.h"
#include "tests/support/ground_truth.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/providers/send_answer.h"

// What the delivery engine relies on, for every provider: providers/provider.h in executable form.
namespace herald::providers {
namespace {

using ::herald::testing::AcceptedLine;
using ::herald::testing::ReadGroundTruth;

// A provider together with the place it delivers to.
class Rig {
 public:
  virtual ~Rig() = default;
  virtual std::unique_ptr<Provider> Make() = 0;
  virtual std::vector<AcceptedLine> Accepted() const = 0;
};

class ResendRig : public Rig {
 public:
  std::unique_ptr<Provider> Make() override {
    ResendOptions options;
    options.account = "conforming";
    options.base_url = emulator_.url();
    options.api_key = "re_test";
    return MakeResendProvider(options, *http_);
  }
  std::vector<AcceptedLine> Accepted() const override { return ReadGroundTruth(truth_); }

 private:
  const herald::testing::TempDirectory directory_;
  const std::string truth_ = directory_.path() + "/accepted.log";
  herald::testing::ResendEmulator emulator_{{.ground_truth = truth_}};
  const std::unique_ptr<HttpClient> http_ = MakeCurlHttpClient({});
};

class SandboxRig : public Rig {
 public:
  std::unique_ptr<Provider> Make() override {
    SandboxOptions options;
    options.account = "conforming";
    options.directory = directory_.path();
    return *MakeSandboxProvider(options, *http_);
  }
  std::vector<AcceptedLine> Accepted() const override {
    return ReadGroundTruth(directory_.path() + "/accepted.log");
  }

 private:
  const herald::testing::TempDirectory directory_;
  const std::unique_ptr<HttpClient> http_ = MakeCurlHttpClient({});
};

struct Kind {
  const char* name;
  std::unique_ptr<Rig> (*make)();
};

class ProviderConformance : public ::testing::TestWithParam<Kind> {
 protected:
  const std::unique_ptr<Rig> rig_ = GetParam().make();
};

OutboundMessage Numbered(int number) {
  OutboundMessage message = ExampleMessage();
  message.email_id = absl::StrCat("em_", number);
  message.idempotency_key = absl::StrCat("em_", number, ":1");
  return message;
}

TEST_P(ProviderConformance, TellsItsAccount) { EXPECT_EQ(rig_->Make()->account(), "conforming"); }

TEST_P(ProviderConformance, AcceptsWithAMessageId) {
  const SendResult result = SendAndWait(*rig_->Make(), ExampleMessage());
  EXPECT_EQ(result.outcome, Outcome::kAccepted);
  EXPECT_NE(result.provider_message_id, "");
  EXPECT_EQ(result.error_code, "");
}

TEST_P(ProviderConformance, DeliversARepeatedKeyOnceUnderTheSameId) {
  const auto provider = rig_->Make();
  const SendResult first = SendAndWait(*provider, ExampleMessage());
  const SendResult second = SendAndWait(*provider, ExampleMessage());
  EXPECT_EQ(second.outcome, Outcome::kAccepted);
  EXPECT_EQ(second.provider_message_id, first.provider_message_id);
  ASSERT_EQ(rig_->Accepted().size(), 1u);
  EXPECT_EQ(rig_->Accepted()[0].email_id, ExampleMessage().email_id);
  EXPECT_EQ(rig_->Accepted()[0].idempotency_key, ExampleMessage().idempotency_key);
}

TEST_P(ProviderConformance, GivesDifferentMessagesDifferentIds) {
  const auto provider = rig_->Make();
  EXPECT_NE(SendAndWait(*provider, Numbered(1)).provider_message_id,
            SendAndWait(*provider, Numbered(2)).provider_message_id);
}

TEST_P(ProviderConformance, DigestsEqualMessagesEqually) {
  const std::string digest = rig_->Make()->Prepare(ExampleMessage())->digest();
  EXPECT_EQ(digest.size(), 16u);
  EXPECT_EQ(digest, rig_->Make()->Prepare(ExampleMessage())->digest());
}

TEST_P(ProviderConformance, DigestsWhateverReachesTheProvider) {
  const auto provider = rig_->Make();
  std::set<std::string> digests = {provider->Prepare(ExampleMessage())->digest()};
  const auto differs = [&](auto change) {
    OutboundMessage message = ExampleMessage();
    change(message);
    return digests.insert(provider->Prepare(message)->digest()).second;
  };
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.idempotency_key += "x"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.from.name = "x"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.from.address = "x@example.com"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.to.address = "x@example.com"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.reply_to.clear(); }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.subject += "x"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.html += "x"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.text += "x"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.headers[0].second = "x"; }));
  EXPECT_TRUE(differs([](OutboundMessage& m) { m.attachments = {{"a", "a/b", "x", ""}}; }));
}

TEST_P(ProviderConformance, DigestsWithoutTheTraceOfTheAttempt) {
  const auto provider = rig_->Make();
  OutboundMessage traced = ExampleMessage();
  traced.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(provider->Prepare(traced)->digest(), provider->Prepare(ExampleMessage())->digest());
}

TEST_P(ProviderConformance, RefusesWhatIsTooLarge) {
  const auto provider = rig_->Make();
  OutboundMessage message = ExampleMessage();
  message.html.assign(provider->capabilities().message_bytes_max + 1, 'x');
  EXPECT_EQ(SendAndWait(*provider, message).outcome, Outcome::kRejected);
  EXPECT_EQ(rig_->Accepted().size(), 0u);
}

TEST_P(ProviderConformance, TakesManyAtOnce) {
  const auto provider = rig_->Make();
  constexpr int kMessages = 300;
  absl::BlockingCounter left(kMessages);
  std::atomic<int> accepted{0};
  for (int i = 0; i < kMessages; ++i) {
    provider->Send(provider->Prepare(Numbered(i)), absl::Seconds(20),
                   [&](const SendResult& result) {
                     if (result.outcome == Outcome::kAccepted) ++accepted;
                     left.DecrementCount();
                   });
  }
  left.Wait();
  EXPECT_EQ(accepted, kMessages);
  EXPECT_EQ(rig_->Accepted().size(), size_t{kMessages});
}

TEST_P(ProviderConformance, AnswersEverySendOnceAlsoWhenDestroyed) {
  constexpr int kMessages = 300;
  std::vector<SendAnswer> answers(kMessages);
  auto provider = rig_->Make();
  for (int i = 0; i < kMessages; ++i) {
    provider->Send(provider->Prepare(Numbered(i)), absl::Seconds(20),
                   answers[static_cast<size_t>(i)].Callback());
  }
  provider.reset();
  std::set<std::string> delivered;
  for (const AcceptedLine& line : rig_->Accepted()) delivered.insert(line.email_id);
  for (int i = 0; i < kMessages; ++i) {
    SendAnswer& answer = answers[static_cast<size_t>(i)];
    ASSERT_EQ(answer.count(), 1);
    // Only what was not taken may be called so.
    if (answer.Wait().outcome == Outcome::kRetryable) {
      EXPECT_EQ(delivered.count(absl::StrCat("em_", i)), 0u);
    }
  }
}

std::vector<OutboundMessage> Batch(int count, int first = 0) {
  std::vector<OutboundMessage> messages;
  for (int i = 0; i < count; ++i) messages.push_back(Numbered(first + i));
  return messages;
}

TEST_P(ProviderConformance, ABatchIsAcceptedItemByItem) {
  const std::vector<SendResult> results = SendBatchAndWait(*rig_->Make(), Batch(3));
  ASSERT_EQ(results.size(), 3u);
  std::set<std::string> ids;
  for (const SendResult& result : results) {
    EXPECT_EQ(result.outcome, Outcome::kAccepted);
    ids.insert(result.provider_message_id);
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(rig_->Accepted().size(), 3u);
}

TEST_P(ProviderConformance, ARepeatedBatchIsDeliveredOnceUnderTheSameIds) {
  const auto provider = rig_->Make();
  const std::vector<SendResult> first = SendBatchAndWait(*provider, Batch(3));
  const std::vector<SendResult> second = SendBatchAndWait(*provider, Batch(3));
  ASSERT_EQ(first.size(), 3u);
  ASSERT_EQ(second.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(second[i].provider_message_id, first[i].provider_message_id);
  }
  EXPECT_EQ(rig_->Accepted().size(), 3u);
}

TEST_P(ProviderConformance, OnlyIdenticalBatchesShareDigestAndKey) {
  const auto provider = rig_->Make();
  const auto batch = provider->PrepareBatch(Batch(3), "name");
  const auto same = provider->PrepareBatch(Batch(3), "name");
  EXPECT_EQ(batch->digest().size(), 16u);
  EXPECT_EQ(batch->digest(), same->digest());
  EXPECT_EQ(batch->key(), same->key());
  EXPECT_LE(batch->key().size(), 256u);
  for (const auto& other : {Batch(2), Batch(3, 1), Batch(4)}) {
    const auto different = provider->PrepareBatch(other, "name");
    EXPECT_NE(batch->digest(), different->digest());
    EXPECT_NE(batch->key(), different->key());
  }
}

TEST_P(ProviderConformance, ABatchTakesAsManyAsItSays) {
  const auto provider = rig_->Make();
  const auto most = static_cast<int>(provider->capabilities().batch_max);
  EXPECT_EQ(SendBatchAndWait(*provider, Batch(most)).size(), static_cast<size_t>(most));
  EXPECT_EQ(rig_->Accepted().size(), static_cast<size_t>(most));
  EXPECT_EQ(provider->PrepareBatch(Batch(most + 1), "name"), nullptr);
}

TEST_P(ProviderConformance, AnswersEveryBatchOnceAlsoWhenDestroyed) {
  constexpr int kBatches = 50;
  std::vector<BatchAnswer> answers(kBatches);
  auto provider = rig_->Make();
  for (int i = 0; i < kBatches; ++i) {
    provider->SendBatch(provider->PrepareBatch(Batch(3, 3 * i), "batch"), absl::Seconds(20),
                        answers[static_cast<size_t>(i)].Callback());
  }
  provider.reset();
  std::set<std::string> delivered;
  for (const AcceptedLine& line : rig_->Accepted()) delivered.insert(line.email_id);
  for (int i = 0; i < kBatches; ++i) {
    BatchAnswer& answer = answers[static_cast<size_t>(i)];
    ASSERT_EQ(answer.count(), 1);
    const std::vector<SendResult> results = answer.Wait();
    ASSERT_EQ(results.size(), 3u);
    for (int k = 0; k < 3; ++k) {
      if (results[static_cast<size_t>(k)].outcome == Outcome::kRetryable) {
        EXPECT_EQ(delivered.count(absl::StrCat("em_", 3 * i + k)), 0u);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Providers, ProviderConformance,
    ::testing::Values(
        Kind{"Resend", []() -> std::unique_ptr<Rig> { return std::make_unique<ResendRig>(); }},
        Kind{"Sandbox", []() -> std::unique_ptr<Rig> { return std::make_unique<SandboxRig>(); }}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace herald::providers
