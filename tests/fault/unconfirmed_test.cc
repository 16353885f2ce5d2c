// A provider without idempotency takes an email and the connection ends before it says so: whether
// it was taken is for the provider's webhook to tell, or else for the lane's policy to decide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "providers/http/curl_http_client.h"
#include "providers/sandbox/webhook_courier.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using ::testing::ElementsAre;
using testing::ReadGroundTruth;
using testing::ResendEmulator;
using testing::ResendFault;

constexpr absl::Duration kPatience = absl::Seconds(30);

struct Cut {
  std::string name;
  ResendFault::Kind kind;
};
void PrintTo(const Cut& cut, std::ostream* out) { *out << cut.name; }

class UnconfirmedTest : public ::testing::Test {
 protected:
  void StartWith(absl::Duration evidence_wait) {
    settings_.accounts = {{"forgetful", provider_.url(), "idempotency: false"}};
    settings_.route = "forgetful";
    settings_.evidence_wait = evidence_wait;
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
  }

  // One that goes well, so that the connection is a kept-alive one when it is cut.
  void SendTwoAndCutTheSecond(v1::Lane lane, ResendFault::Kind kind) {
    Send(1, lane);
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    ResendFault cut;
    cut.kind = kind;
    provider_.Script(cut);
    Send(2, lane);
    AwaitState(v1::Email::STATE_UNCONFIRMED);
    EXPECT_EQ(provider_.accepted(), 2) << "the provider took it";
    EXPECT_EQ(provider_.kept_alive(), 1);
  }
  void Send(int number, v1::Lane lane) {
    const std::string key = absl::StrCat("order:", number);
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    ASSERT_OK_AND_ASSIGN(
        const client::SendResult sent,
        client.SendEmail(*client::IdempotencyKey::Create(key), EmailOf(number, lane)));
    id_ = sent.email.id();
    acknowledged_[{stack_->tenants()[0].id, key}] = {id_, number};
  }
  // Of the second email.
  void AwaitState(v1::Email::State state) {
    const client::Client client = stack_->Connect(stack_->tenants()[0]);
    v1::GetEmailRequest get;
    get.set_id(id_);
    v1::Email::State last = v1::Email::STATE_UNSPECIFIED;
    for (const absl::Time end = absl::Now() + kPatience; absl::Now() < end;) {
      ASSERT_OK_AND_ASSIGN(const v1::Email email, client.GetEmail(get));
      last = email.state();
      if (last == state) return;
      absl::SleepFor(absl::Milliseconds(10));
    }
    FAIL() << "it is " << v1::Email::State_Name(last) << "\n" << stack_->process().Stderr();
  }
  // Names without their prefix, oldest first.
  std::vector<std::string> Timeline() const {
    v1::ListEmailEventsRequest list;
    list.set_email_id(id_);
    const auto page = stack_->Connect(stack_->tenants()[0]).ListEmailEvents(list);
    std::vector<std::string> names;
    if (!page.ok()) return {page.status().ToString()};
    for (const v1::EmailEvent& event : page->events()) {
      names.push_back(v1::EventType_Name(event.type()).substr(sizeof("EVENT_TYPE_") - 1));
    }
    return names;
  }
  int TimesTaken() const {
    int times = 0;
    for (const testing::AcceptedLine& line : ReadGroundTruth(record_)) {
      times += line.email_id == id_ ? 1 : 0;
    }
    return times;
  }
  // "state|reason|outcomes of its attempts in their order". 1 accepted, 3 unconfirmed.
  std::string Record() const {
    return stack_->Query(
        "SELECT e.state, e.state_reason, string_agg(a.outcome::text, ' ' ORDER BY a.attempt) "
        "FROM herald.emails e JOIN herald.attempts a USING (tenant_id, email_id) "
        "WHERE e.idempotency_key = 'order:2' GROUP BY 1, 2");
  }
  void ExpectAccountedFor() {
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    const Accounting accounting =
        Reconcile(*stack_, {acknowledged_, {record_}, /*idempotent=*/false});
    std::cout << accounting.Text() << std::endl;
    EXPECT_THAT(accounting.violations, ::testing::IsEmpty());
  }

  testing::TempDirectory directory_;
  const std::string record_ = directory_.path() + "/taken";
  ResendEmulator provider_{{.ground_truth = record_, .idempotent = false}};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  std::string id_;  // of the email sent last
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

class LostAnswerTest : public UnconfirmedTest, public ::testing::WithParamInterface<Cut> {};

INSTANTIATE_TEST_SUITE_P(Cuts, LostAnswerTest,
                         ::testing::Values(Cut{"Close", ResendFault::Kind::kAcceptThenClose},
                                           Cut{"Reset", ResendFault::Kind::kAcceptThenReset},
                                           Cut{"HalfAnswer",
                                               ResendFault::Kind::kAcceptThenHalfAnswer},
                                           Cut{"Hang", ResendFault::Kind::kAcceptThenHang}),
                         [](const auto& info) { return info.param.name; });

// What the provider says of the request that it got last, as Resend words it: our ids come back as
// the tags that they were sent as.
std::string WebhookAbout(const std::string& request_body, const std::string& type) {
  const nlohmann::json request = nlohmann::json::parse(request_body);
  nlohmann::json tags = nlohmann::json::object();
  for (const nlohmann::json& tag : request["tags"]) {
    tags[tag["name"].get<std::string>()] = tag["value"];
  }
  return nlohmann::json{{"type", type},
                        {"created_at", absl::FormatTime(absl::Now(), absl::UTCTimeZone())},
                        {"data", {{"email_id", "49a3999c-0ce1"}, {"tags", tags}}}}
      .dump();
}

TEST_P(LostAnswerTest, IsResolvedByTheProvidersWebhookAndNotSentAgain) {
  StartWith(/*evidence_wait=*/absl::Hours(1));
  SendTwoAndCutTheSecond(v1::LANE_TRANSACTIONAL, GetParam().kind);
  EXPECT_THAT(Timeline(), ElementsAre("ACCEPTED", "ATTEMPTED", "UNCONFIRMED"));

  ASSERT_OK_AND_ASSIGN(const Replica sidecar, stack_->StartSidecar(settings_));
  const auto http = providers::MakeCurlHttpClient({});
  providers::WebhookCourierOptions courier;
  courier.url = absl::StrCat("http://127.0.0.1:", sidecar.port, "/v1/webhooks/forgetful");
  courier.secret = kWebhookSecret;
  providers::WebhookCourier webhooks(courier, *http, absl::Now);
  const std::string request = provider_.last_body();
  webhooks.Send("msg_sent", WebhookAbout(request, "email.sent"), absl::ZeroDuration());
  AwaitState(v1::Email::STATE_SENT);
  webhooks.Send("msg_delivered", WebhookAbout(request, "email.delivered"), absl::ZeroDuration());
  AwaitState(v1::Email::STATE_DELIVERED);

  ExpectAccountedFor();
  EXPECT_EQ(TimesTaken(), 1);
  EXPECT_EQ(provider_.requests(), 2) << "one for each email";
  EXPECT_EQ(Record(), "6||3");
  EXPECT_THAT(Timeline(), ElementsAre("ACCEPTED", "ATTEMPTED", "UNCONFIRMED", "PROVIDER_ACCEPTED",
                                      "DELIVERED"));
}

TEST_F(UnconfirmedTest, WithoutAWebhookIsHeldAndFailsAsUnknownAfterTheWait) {
  StartWith(/*evidence_wait=*/absl::Seconds(2));
  SendTwoAndCutTheSecond(v1::LANE_TRANSACTIONAL, ResendFault::Kind::kAcceptThenClose);
  AwaitState(v1::Email::STATE_FAILED);
  ExpectAccountedFor();
  EXPECT_EQ(TimesTaken(), 1);
  EXPECT_EQ(provider_.requests(), 2);
  EXPECT_EQ(Record(), "9|outcome_unknown|3");
  EXPECT_THAT(Timeline(), ElementsAre("ACCEPTED", "ATTEMPTED", "UNCONFIRMED", "FAILED"));
  EXPECT_EQ(stack_->Query("SELECT update_time - (SELECT max(begin_time) FROM herald.attempts) >= "
                          "interval '2 s' FROM herald.emails WHERE state = 9"),
            "t")
      << "evidence was waited for";
}

TEST_F(UnconfirmedTest, WithoutAWebhookAOneTimePasswordIsSentOnceMoreAndThatIsOnRecord) {
  StartWith(/*evidence_wait=*/absl::Seconds(2));
  SendTwoAndCutTheSecond(v1::LANE_CRITICAL, ResendFault::Kind::kAcceptThenReset);
  AwaitState(v1::Email::STATE_SENT);
  ExpectAccountedFor();
  EXPECT_EQ(TimesTaken(), 2);
  EXPECT_EQ(provider_.requests(), 3);
  EXPECT_EQ(Record(), "5||3 1");
  EXPECT_THAT(Timeline(), ElementsAre("ACCEPTED", "ATTEMPTED", "UNCONFIRMED", "ATTEMPTED", "SENT"));
}

}  // namespace
}  // namespace herald::fault
