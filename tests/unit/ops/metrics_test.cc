#include "server/ops/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/ops/metrics_endpoint.h"
#include "server/ops/webhook_metrics.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ops/scrape.h"

namespace herald::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void TouchEverything(ServiceMetrics& metrics) {
  metrics.Rpc("herald.v1.EmailService/SendEmail").Done(absl::StatusCode::kOk, absl::Seconds(1));
  metrics.Account("resend-main").Attempted(Outcome::kAccepted, absl::Seconds(1));
  metrics.DeliveryEvent(EventType::kDelivered);
  metrics.DatabaseError(absl::StatusCode::kUnavailable);
}

void TouchEverything(WebhookMetrics& metrics) {
  metrics.Event("resend-main", EventType::kDelivered);
  metrics.Refused("resend-main", WebhookRefusal::kSignature);
  metrics.Unreadable("resend-main");
}

class MetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(endpoint_, MetricsEndpoint::Start("127.0.0.1", 0, metrics_.registry()));
  }
  std::string Scrape() const { return ScrapeMetrics(endpoint_->port()); }

  ServiceMetrics metrics_{"1.2.3"};
  std::unique_ptr<MetricsEndpoint> endpoint_;
};

TEST(GoldenMetrics, MatchWhatIsScraped) {
  ServiceMetrics service("1.2.3");
  WebhookMetrics webhook("1.2.3");
  TouchEverything(service);
  TouchEverything(webhook);
  ASSERT_OK_AND_ASSIGN(auto heraldd, MetricsEndpoint::Start("127.0.0.1", 0, service.registry()));
  ASSERT_OK_AND_ASSIGN(auto sidecar, MetricsEndpoint::Start("127.0.0.1", 0, webhook.registry()));
  // The endpoint counts scrapes once they are over: the second shows everything.
  ScrapeMetrics(heraldd->port());
  ScrapeMetrics(sidecar->port());
  const std::string scraped =
      absl::StrCat("# heraldd\n", DescribeMetrics(ScrapeMetrics(heraldd->port())),
                   "\n# herald-webhook\n", DescribeMetrics(ScrapeMetrics(sidecar->port())));

  const char* source = std::getenv("HERALD_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest";
  std::ifstream file(absl::StrCat(source, "/tests/golden/metrics.txt"));
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(scraped, golden) << "dashboards and alerts of users name these metrics: a change is a "
                                "line in CHANGELOG.md";
}

TEST_F(MetricsTest, ShowThatTheDatabaseNeverFailed) {
  EXPECT_EQ(ValueOf(Scrape(), "herald_db_errors_total{code=\"UNAVAILABLE\"}"), 0);
}

TEST_F(MetricsTest, CountRequestsByMethodAndCode) {
  RpcMetrics& rpc = metrics_.Rpc("herald.v1.EmailService/SendEmail");
  EXPECT_EQ(&rpc, &metrics_.Rpc("herald.v1.EmailService/SendEmail"));
  rpc.Done(absl::StatusCode::kOk, absl::Milliseconds(3));
  rpc.Done(absl::StatusCode::kOk, absl::Milliseconds(30));
  rpc.Done(absl::StatusCode::kInvalidArgument, absl::Milliseconds(1));
  const std::string scraped = Scrape();
  EXPECT_EQ(ValueOf(scraped,
                    "herald_rpc_requests_total{code=\"OK\","
                    "method=\"herald.v1.EmailService/SendEmail\"}"),
            2);
  EXPECT_EQ(ValueOf(scraped,
                    "herald_rpc_requests_total{code=\"INVALID_ARGUMENT\","
                    "method=\"herald.v1.EmailService/SendEmail\"}"),
            1);
  EXPECT_EQ(ValueOf(scraped,
                    "herald_rpc_duration_seconds_bucket{"
                    "method=\"herald.v1.EmailService/SendEmail\",le=\"0.005\"}"),
            2);
}

TEST_F(MetricsTest, TakeACodeThatIsNotOnTheListForUnknown) {
  metrics_.Rpc("m").Done(static_cast<absl::StatusCode>(99), absl::ZeroDuration());
  EXPECT_EQ(ValueOf(Scrape(), "herald_rpc_requests_total{code=\"UNKNOWN\",method=\"m\"}"), 1);
}

TEST_F(MetricsTest, CountAcceptanceByLaneAndState) {
  metrics_.EmailsAccepted(Lane::kBulk, EmailState::kQueued, 900);
  metrics_.EmailsAccepted(Lane::kBulk, EmailState::kSuppressed, 100);
  metrics_.AcceptanceGroup(64);
  const std::string scraped = Scrape();
  EXPECT_EQ(ValueOf(scraped, "herald_emails_accepted_total{lane=\"bulk\",state=\"queued\"}"), 900);
  EXPECT_EQ(ValueOf(scraped, "herald_emails_accepted_total{lane=\"bulk\",state=\"suppressed\"}"),
            100);
  EXPECT_EQ(ValueOf(scraped, "herald_emails_accepted_total{lane=\"critical\",state=\"queued\"}"),
            0);
  EXPECT_EQ(ValueOf(scraped, "herald_acceptance_group_size_sum"), 64);
}

TEST_F(MetricsTest, CountAnEmailThatWasSentBeforeItsCommitWasKnownAsQueuedAtFirst) {
  metrics_.EmailsAccepted(Lane::kBulk, EmailState::kSent, 3);
  EXPECT_EQ(ValueOf(Scrape(), "herald_emails_accepted_total{lane=\"bulk\",state=\"queued\"}"), 3);
}

TEST_F(MetricsTest, ShowTheQueueOfEachLane) {
  metrics_.QueueMeasured(Lane::kStandard, 42, absl::Milliseconds(1500));
  const std::string scraped = Scrape();
  EXPECT_EQ(ValueOf(scraped, "herald_queue_depth{lane=\"standard\"}"), 42);
  EXPECT_EQ(ValueOf(scraped, "herald_queue_oldest_age_seconds{lane=\"standard\"}"), 1.5);
}

TEST_F(MetricsTest, FollowAnEmailThroughDelivery) {
  AccountMetrics& account = metrics_.Account("resend-main");
  account.Attempted(Outcome::kUnconfirmed, absl::Seconds(30));
  account.Attempted(Outcome::kAccepted, absl::Milliseconds(20));
  metrics_.Retried(Lane::kCritical);
  metrics_.AcceptedToSent(Lane::kCritical, absl::Milliseconds(40));
  metrics_.EmailsFinished(Lane::kCritical, EmailState::kSent);
  metrics_.LedgerMeasured(Lane::kBulk, LedgerColumn::kDead, 5);
  metrics_.RenderFailed(Lane::kBulk);
  metrics_.LeasesRescued(3);
  metrics_.StaleOutcomes(2);
  const std::string scraped = Scrape();
  EXPECT_EQ(
      ValueOf(scraped, "herald_attempts_total{account=\"resend-main\",outcome=\"unconfirmed\"}"),
      1);
  EXPECT_EQ(
      ValueOf(scraped, "herald_provider_send_duration_seconds_count{account=\"resend-main\"}"), 2);
  EXPECT_EQ(ValueOf(scraped, "herald_retries_total{lane=\"critical\"}"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_accept_to_sent_seconds_count{lane=\"critical\"}"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_emails_finished_total{lane=\"critical\",state=\"sent\"}"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_ledger_emails{lane=\"bulk\",state=\"dead\"}"), 5);
  EXPECT_EQ(ValueOf(scraped, "herald_render_failures_total{lane=\"bulk\"}"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_leases_rescued_total"), 3);
  EXPECT_EQ(ValueOf(scraped, "herald_stale_outcomes_total"), 2);
}

TEST_F(MetricsTest, CountDeliveryEvents) {
  metrics_.DeliveryEvent(EventType::kBounced);
  metrics_.DeliveryEventDuplicate();
  metrics_.DeliveryEventUnmatched();
  const std::string scraped = Scrape();
  EXPECT_EQ(ValueOf(scraped, "herald_delivery_events_total{type=\"bounced\"}"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_delivery_events_duplicate_total"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_delivery_events_unmatched_total"), 1);
}

TEST_F(MetricsTest, ReadTheProcessAtEachScrape) {
  const std::string scraped = Scrape();
  EXPECT_GT(ValueOf(scraped, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(ValueOf(scraped, "process_cpu_seconds_total"), 0);
  const double open = ValueOf(scraped, "process_open_fds");
  std::ifstream more("/proc/self/stat");
  EXPECT_EQ(ValueOf(Scrape(), "process_open_fds"), open + 1);
}

TEST(MetricsEndpoint, SaysThatItsPortIsTaken) {
  ServiceMetrics metrics("1.2.3");
  ASSERT_OK_AND_ASSIGN(auto first, MetricsEndpoint::Start("127.0.0.1", 0, metrics.registry()));
  EXPECT_THAT(MetricsEndpoint::Start("127.0.0.1", first->port(), metrics.registry()),
              support::StatusIs(absl::StatusCode::kUnavailable));
}

TEST(MetricsEndpoint, StopsAtOnceThoughNobodyConnects) {
  ServiceMetrics metrics("1.2.3");
  ASSERT_OK_AND_ASSIGN(auto endpoint, MetricsEndpoint::Start("127.0.0.1", 0, metrics.registry()));
  ScrapeMetrics(endpoint->port());
  const absl::Time start = absl::Now();
  endpoint.reset();
  EXPECT_LT(absl::Now() - start, absl::Seconds(1));
}

TEST(WebhookMetrics, CountWhatWasTakenAndRefused) {
  WebhookMetrics metrics("1.2.3");
  ASSERT_OK_AND_ASSIGN(auto endpoint, MetricsEndpoint::Start("127.0.0.1", 0, metrics.registry()));
  metrics.Event("resend-main", EventType::kDelivered);
  metrics.Refused("resend-main", WebhookRefusal::kTimestamp);
  metrics.Refused("none", WebhookRefusal::kUnknownAccount);
  metrics.Unreadable("resend-main");
  metrics.RequestDone(absl::Milliseconds(2));
  const std::string scraped = ScrapeMetrics(endpoint->port());
  EXPECT_EQ(ValueOf(scraped,
                    "herald_webhook_events_total{account=\"resend-main\","
                    "type=\"delivered\"}"),
            1);
  EXPECT_EQ(ValueOf(scraped,
                    "herald_webhook_refused_total{account=\"resend-main\","
                    "reason=\"timestamp\"}"),
            1);
  EXPECT_EQ(ValueOf(scraped,
                    "herald_webhook_refused_total{account=\"none\","
                    "reason=\"unknown_account\"}"),
            1);
  EXPECT_EQ(ValueOf(scraped, "herald_webhook_unreadable_total{account=\"resend-main\"}"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_webhook_duration_seconds_count"), 1);
  EXPECT_EQ(ValueOf(scraped, "herald_build_info{version=\"1.2.3\"}"), 1);
}

}  // namespace
}  // namespace herald::ops
