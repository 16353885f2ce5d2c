// What an operator sees of a running stack: metrics and logs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using ::testing::IsEmpty;

// "name type" of every metric under "# <program>" in the golden file.
std::set<std::string> Golden(const std::string& program) {
  std::ifstream file(
      absl::StrCat(FromEnvironment("HERALD_SOURCE_DIR"), "/tests/golden/metrics.txt"));
  std::set<std::string> metrics;
  bool wanted = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "# ")) wanted = line == absl::StrCat("# ", program);
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (wanted && words.size() >= 2 && words[0] != "#") {
      metrics.insert(absl::StrCat(words[0], " ", words[1]));
    }
  }
  return metrics;
}

std::set<std::string> Missing(std::set<std::string> golden, const std::string& scraped) {
  for (absl::string_view line : absl::StrSplit(scraped, '\n')) {
    if (absl::ConsumePrefix(&line, "# TYPE ")) golden.erase(std::string(line));
  }
  return golden;
}

// The sum over a metric's series whose labels contain `label`.
double Sum(const std::string& scraped, absl::string_view metric, absl::string_view label = "") {
  double sum = 0;
  for (absl::string_view line : absl::StrSplit(scraped, '\n')) {
    if (!absl::StartsWith(line, absl::StrCat(metric, "{")) &&
        !absl::StartsWith(line, absl::StrCat(metric, " "))) {
      continue;
    }
    double value = 0;
    if (!absl::StrContains(line, label) ||
        !absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) {
      continue;
    }
    sum += value;
  }
  return sum;
}

class Observability : public ::testing::Test {
 protected:
  // One of everything that the sandbox can be made to do, in lane `lane`.
  void MakeTraffic(v1::Lane lane) {
    std::vector<v1::Email> emails;
    for (const char* recipient : {"delivered", "bounced", "retry", "rejected", "unconfirmed"}) {
      v1::SendEmailRequest request = tenant_.EmailTo(recipient);
      request.set_lane(lane);
      emails.push_back(tenant_.Send(request));
    }
    tenant_.Await(emails[0].id(), v1::Email::STATE_DELIVERED);
    tenant_.Await(emails[1].id(), v1::Email::STATE_BOUNCED);
    tenant_.Await(emails[2].id(), v1::Email::STATE_DELIVERED);
    tenant_.AwaitEvent(emails[2].id(), v1::EVENT_TYPE_SENT);
    tenant_.Await(emails[3].id(), v1::Email::STATE_FAILED);
    tenant_.Await(emails[4].id(), v1::Email::STATE_DELIVERED);
  }

  const Tenant tenant_{"observability"};
};

TEST_F(Observability, TheMetricsPortsShowEveryGoldenMetric) {
  MakeTraffic(v1::LANE_CRITICAL);
  const Stack& stack = Stack::Shared();
  Fetch(stack.webhook_url());  // no webhook: refused
  // The endpoint counts a scrape once it is over.
  stack.Metrics();
  stack.WebhookMetrics();
  EXPECT_THAT(Missing(Golden("heraldd"), stack.Metrics()), IsEmpty());
  // Appears with the first webhook that is signed well and cannot be read.
  std::set<std::string> missing = Missing(Golden("herald-webhook"), stack.WebhookMetrics());
  missing.erase("herald_webhook_unreadable_total counter");
  EXPECT_THAT(missing, IsEmpty());
}

TEST_F(Observability, WhatHappenedWasCounted) {
  const Stack& stack = Stack::Shared();
  const std::string before = stack.Metrics();
  const std::string webhook_before = stack.WebhookMetrics();
  MakeTraffic(v1::LANE_STANDARD);
  v1::SendEmailRequest suppressed = tenant_.EmailTo("bounced");
  suppressed.set_lane(v1::LANE_STANDARD);
  EXPECT_EQ(tenant_.Send(suppressed).state(), v1::Email::STATE_SUPPRESSED);
  EXPECT_FALSE(tenant_.api().SendEmail(NewKey(), {}).ok());
  std::string after = stack.Metrics();
  const auto rise = [&](absl::string_view metric, absl::string_view label = "") {
    return Sum(after, metric, label) - Sum(before, metric, label);
  };
  // What finished is counted by the ledger's duty, every second.
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (rise("herald_emails_finished_total", "lane=\"standard\"") < 4 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
    after = stack.Metrics();
  }
  EXPECT_EQ(rise("herald_emails_accepted_total", "lane=\"standard\",state=\"queued\""), 5);
  EXPECT_EQ(rise("herald_emails_accepted_total", "lane=\"standard\",state=\"suppressed\""), 1);
  EXPECT_EQ(rise("herald_emails_finished_total", "lane=\"standard\",state=\"failed\""), 1);
  EXPECT_GE(rise("herald_emails_finished_total", "lane=\"standard\",state=\"sent\""), 3);
  EXPECT_GE(rise("herald_accept_to_sent_seconds_count", "lane=\"standard\""), 3);
  EXPECT_EQ(rise("herald_retries_total", "lane=\"standard\""), 2);
  EXPECT_EQ(rise("herald_attempts_total", "outcome=\"rejected\""), 1);
  EXPECT_EQ(rise("herald_attempts_total", "outcome=\"retryable\""), 2);
  EXPECT_EQ(rise("herald_attempts_total", "outcome=\"unconfirmed\""), 1);
  EXPECT_EQ(
      rise("herald_rpc_requests_total", "code=\"OK\",method=\"herald.v1.EmailService/SendEmail\""),
      6);
  EXPECT_EQ(rise("herald_rpc_requests_total", "code=\"INVALID_ARGUMENT\""), 1);
  EXPECT_GE(rise("herald_delivery_events_total", "type=\"delivered\""), 3);
  EXPECT_GE(rise("herald_acceptance_group_size_count"), 1);
  EXPECT_GE(rise("herald_provider_send_duration_seconds_count"), 7);
  EXPECT_GE(Sum(stack.WebhookMetrics(), "herald_webhook_events_total", "type=\"delivered\"") -
                Sum(webhook_before, "herald_webhook_events_total", "type=\"delivered\""),
            3);
}

TEST_F(Observability, TheLogHasALineForWhatAnOperatorMayAskAbout) {
  const v1::Email email = tenant_.Await(tenant_.SendTo("rejected").id(), v1::Email::STATE_FAILED);
  const auto logged = [&] {
    return absl::c_any_of(Stack::Shared().LogLines(), [&](const std::string& line) {
      return absl::StrContains(line, "\"event\":\"email_failed\"") &&
             absl::StrContains(line, email.id());
    });
  };
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!logged() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_TRUE(logged());
}

}  // namespace
}  // namespace herald::e2e
