// Providers that accept and then do not say so, or say it in words that nobody can read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/http_emulator.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using testing::EmulatedReply;
using testing::EmulatedRequest;
using testing::ReadGroundTruth;
using testing::ResendEmulator;
using testing::ResendFault;

constexpr absl::Duration kPatience = absl::Seconds(30);

class ProviderFaultTest : public ::testing::Test {
 protected:
  void StartWith(const std::string& url) {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    Settings settings;
    settings.accounts = {{"provider", url}};
    settings.route = "provider";
    ASSERT_OK(stack_->Start(settings));
    ASSERT_OK(stack_->Provision());
  }
  // Emails number `first` to `last`, all acknowledged.
  void Send(int first, int last) {
    std::vector<client::KeyedEmail> emails;
    for (int i = first; i <= last; ++i) {
      emails.push_back({*client::IdempotencyKey::Create(absl::StrCat("order:", i)), EmailOf(i)});
    }
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    ASSERT_OK_AND_ASSIGN(const auto results, client.SendEmails(std::move(emails)));
    for (const auto& result : results) {
      ASSERT_OK(result);
      const std::string& key = result->email.idempotency_key();
      acknowledged_[{stack_->tenants()[0].id, key}] = {result->email.id(), 0};
    }
  }
  void ExpectAccountedFor() {
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    fault::ExpectAccountedFor(*stack_, {acknowledged_, {record_}, true});
  }
  // "key|outcomes of its attempts in their order" by lines. 1 accepted, 2 retryable, 3 unconfirmed.
  std::string Outcomes() {
    return stack_->Query(
        "SELECT e.idempotency_key, string_agg(a.outcome::text, ' ' ORDER BY a.attempt) "
        "FROM herald.emails e JOIN herald.attempts a USING (tenant_id, email_id) "
        "GROUP BY 1 ORDER BY 1");
  }

  testing::TempDirectory directory_;
  const std::string record_ = directory_.path() + "/taken";
  std::unique_ptr<Stack> stack_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

struct Cut {
  std::string name;
  ResendFault::Kind kind;
};
void PrintTo(const Cut& cut, std::ostream* out) { *out << cut.name; }

class AcceptThenCutTest : public ProviderFaultTest, public ::testing::WithParamInterface<Cut> {};

INSTANTIATE_TEST_SUITE_P(Cuts, AcceptThenCutTest,
                         ::testing::Values(Cut{"Close", ResendFault::Kind::kAcceptThenClose},
                                           Cut{"Reset", ResendFault::Kind::kAcceptThenReset},
                                           Cut{"HalfAnswer",
                                               ResendFault::Kind::kAcceptThenHalfAnswer},
                                           Cut{"Hang", ResendFault::Kind::kAcceptThenHang}),
                         [](const auto& info) { return info.param.name; });

// An HTTP library that takes the end of a kept-alive connection for one that had gone stale sends
// the request again by itself; then the provider's second sight of the key is in nobody's record.
TEST_P(AcceptThenCutTest, OnAKeptAliveConnectionIsRepeatedUnderItsKeyAndDeliveredOnce) {
  ResendEmulator provider({.ground_truth = record_});
  StartWith(provider.url());
  Send(1, 1);
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience));
  ResendFault cut;
  cut.kind = GetParam().kind;
  provider.Script(cut);
  Send(2, 2);
  ExpectAccountedFor();
  EXPECT_EQ(Outcomes(), "order:1|1\norder:2|3 1");
  EXPECT_EQ(provider.requests(), 3) << "the second email's key was seen twice, on record";
  EXPECT_GE(provider.kept_alive(), 1) << "the connection that was cut was to have been kept alive";
  EXPECT_EQ(provider.accepted(), 2);
  EXPECT_EQ(ReadGroundTruth(record_).size(), 2u);
}

// A provider in the shape of Resend's whose answers the test words, by how often it has seen
// the key before. It takes each email that it answers 200, once.
class WordedProvider {
 public:
  using Words = std::function<EmulatedReply(int sight)>;
  WordedProvider(const std::string& record, Words words)
      : truth_(record), words_(std::move(words)) {}

  std::string url() const { return http_.url(); }
  // Whether every request was HTTP/1.1 and none asked for another protocol.
  bool spoken_to_in_http_1() const {
    absl::MutexLock lock(&mutex_);
    return spoken_to_in_http_1_;
  }
  // Shortest time between two sights of one key.
  absl::Duration shortest_gap() const {
    absl::MutexLock lock(&mutex_);
    return shortest_gap_;
  }

 private:
  struct Key {
    int sights = 0;
    bool taken = false;
    absl::Time last = absl::InfinitePast();
  };

  EmulatedReply Answer(const EmulatedRequest& request) {
    absl::MutexLock lock(&mutex_);
    if (request.version != 11 || request.Header("upgrade") || request.Header("http2-settings")) {
      spoken_to_in_http_1_ = false;
      std::cout << "version " << request.version
                << ", upgrade: " << request.Header("upgrade").value_or("none") << std::endl;
    }
    const std::string name = request.Header("idempotency-key").value_or("-");
    Key& key = keys_[name];
    EmulatedReply reply = words_(key.sights++);
    const absl::Time now = absl::Now();
    shortest_gap_ = std::min(shortest_gap_, now - key.last);
    key.last = now;
    if (reply.status == 200 && !key.taken) {
      key.taken = true;
      const size_t id = request.body.find("em_");
      truth_.Append({request.body.substr(id, std::string("em_0123456789abc").size()), name});
    }
    return reply;
  }

  mutable absl::Mutex mutex_;
  testing::GroundTruthFile truth_;
  const Words words_;
  std::map<std::string, Key> keys_ ABSL_GUARDED_BY(mutex_);
  absl::Duration shortest_gap_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool spoken_to_in_http_1_ ABSL_GUARDED_BY(mutex_) = true;
  testing::HttpEmulator http_{[this](const EmulatedRequest& request) { return Answer(request); }};
};

EmulatedReply Says(std::string body, int status = 200) {
  EmulatedReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

struct Babble {
  std::string name;
  std::string body;
};
void PrintTo(const Babble& babble, std::ostream* out) { *out << babble.name; }

class UnreadableSuccessTest : public ProviderFaultTest,
                              public ::testing::WithParamInterface<Babble> {};

INSTANTIATE_TEST_SUITE_P(
    Bodies, UnreadableSuccessTest,
    ::testing::Values(Babble{"Html", "<html><body>It works!</body></html>"}, Babble{"Empty", ""},
                      Babble{"TenMegabytes", "{\"id\":\"" + std::string(10 << 20, 'a') + "\"}"},
                      Babble{"NoId", "{\"object\":\"email\"}"},
                      Babble{"IdThatIsNoText", "{\"id\":{\"a\":[1,2]}}"}),
    [](const auto& info) { return info.param.name; });

TEST_P(UnreadableSuccessTest, IsUnconfirmedAndAskedAboutAgainUnderTheSameKey) {
  WordedProvider provider(record_, [](int sight) {
    return Says(sight == 0 ? GetParam().body : R"({"id":"49a3999c-0ce1-4ea6-ab68-000000000001"})");
  });
  StartWith(provider.url());
  Send(1, 3);
  ExpectAccountedFor();
  EXPECT_EQ(Outcomes(), "order:1|3 1\norder:2|3 1\norder:3|3 1");
  EXPECT_EQ(stack_->Query("SELECT DISTINCT state FROM herald.emails"), "5");
}

// One exchange a connection at a time: a connection that dies leaves one email in doubt, and
// neither the streams of a connection nor a GOAWAY can leave more.
TEST_F(ProviderFaultTest, ProvidersAreSpokenToInHttp1) {
  WordedProvider provider(
      record_, [](int) { return Says(R"({"id":"49a3999c-0ce1-4ea6-ab68-000000000001"})"); });
  StartWith(provider.url());
  Send(1, 20);
  ExpectAccountedFor();
  EXPECT_TRUE(provider.spoken_to_in_http_1());
}

// For three seconds the provider refuses everything and asks for two seconds of peace.
TEST_F(ProviderFaultTest, AStormOfRefusalsIsWaitedOutAsAskedAndEndsNoEmail) {
  const int emails = Long() ? 10'000 : 1'000;
  absl::Time calm = absl::InfiniteFuture();  // of the emulator's one thread
  WordedProvider provider(record_, [&calm](int) {
    if (calm == absl::InfiniteFuture()) calm = absl::Now() + absl::Seconds(3);
    if (absl::Now() > calm) return Says(R"({"id":"49a3999c-0ce1-4ea6-ab68-000000000001"})");
    EmulatedReply refusal = Says(R"({"name":"rate_limit_exceeded","message":"slower"})", 429);
    refusal.headers = {{"Retry-After", "2"}};
    return refusal;
  });
  StartWith(provider.url());
  for (int first = 1; first < emails; first += 500) Send(first, first + 499);
  ExpectAccountedFor();
  EXPECT_EQ(stack_->Query("SELECT DISTINCT state FROM herald.emails"), "5");
  EXPECT_GE(provider.shortest_gap(), absl::Seconds(1.9)) << "Retry-After was 2 s";
}

}  // namespace
}  // namespace herald::fault
