#include "server/ops/delivery_reporter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "server/ops/health_reporter.h"
#include "server/ops/log.h"
#include "server/ops/metrics_endpoint.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ops/scrape.h"

namespace herald::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = storage::Disposition::Kind;

class DeliveryReporterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(endpoint_, MetricsEndpoint::Start("127.0.0.1", 0, metrics_.registry()));
    ASSERT_EQ(pipe2(pipe_, O_CLOEXEC), 0);
    LogOptions options;
    options.fd = pipe_[1];
    StartLog(options);
    email_.lease.email = EmailId{7};
    email_.lane = Lane::kCritical;
    email_.recipient = "jo@example.com";
    email_.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  }
  void TearDown() override {
    StopLog();
    close(pipe_[0]);
    if (pipe_[1] >= 0) close(pipe_[1]);
  }

  double Value(absl::string_view series) const {
    return ValueOf(ScrapeMetrics(endpoint_->port()), series);
  }
  // All that was logged; ends the log.
  std::string Logged() {
    StopLog();
    close(std::exchange(pipe_[1], -1));
    char buffer[16 * 1024];
    const ssize_t n = read(pipe_[0], buffer, sizeof(buffer));
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
  }
  storage::AttemptEnd End(Kind kind) const {
    storage::AttemptEnd end;
    end.attempt = 2;
    end.account = "resend-main";
    end.detail = "550 <jo@example.com> unknown";
    end.disposition = {kind, absl::Seconds(3), "timeout"};
    return end;
  }

  int pipe_[2] = {-1, -1};
  ServiceMetrics metrics_{"1.2.3"};
  std::unique_ptr<MetricsEndpoint> endpoint_;
  DeliveryReporter reporter_{&metrics_};
  storage::LeasedEmail email_;
};

TEST_F(DeliveryReporterTest, CountsAFailoverByTheAccountThatFailed) {
  storage::AttemptEnd end = End(Kind::kRetry);
  reporter_.OnRecorded(email_, end, absl::Seconds(1));
  end.disposition.tried_accounts = {"resend-main"};
  reporter_.OnRecorded(email_, end, absl::Seconds(1));
  EXPECT_EQ(Value("herald_failovers_total{account=\"resend-main\"}"), 1);
}

TEST_F(DeliveryReporterTest, SaysWhichAccountIsOutAndWhy) {
  HealthReporter reporter(&metrics_);
  storage::AccountHealth health;
  health.account = "resend-main";
  health.breaker.state = storage::BreakerState::kOpen;
  health.breaker.reason = "daily_quota_exceeded";
  reporter.OnHealth(health);
  EXPECT_EQ(Value("herald_account_state{account=\"resend-main\"}"), 2);
  health.disabled = true;
  reporter.OnHealth(health);
  EXPECT_EQ(Value("herald_account_state{account=\"resend-main\"}"), 3);
  reporter.OnBreaker(health, /*shared=*/true);
  const auto line = nlohmann::json::parse(Logged());
  EXPECT_EQ(line["account"], "resend-main");
  EXPECT_EQ(line["state"], "open");
  EXPECT_EQ(line["reason"], "daily_quota_exceeded");
}

TEST_F(DeliveryReporterTest, CountsTheHandOver) {
  providers::SendResult result;
  result.outcome = Outcome::kAccepted;
  reporter_.OnHandedOver(email_, "resend-main", 1, result, absl::Milliseconds(20));
  EXPECT_EQ(Value("herald_attempts_total{account=\"resend-main\",outcome=\"accepted\"}"), 1);
  EXPECT_EQ(Logged(), "");
}

TEST_F(DeliveryReporterTest, CountsAnEmailThatWasStoppedBeforeItsHandOver) {
  reporter_.OnStopped(email_, EmailState::kSuppressed);
  const std::string logged = Logged();
  EXPECT_THAT(logged, HasSubstr("\"event\":\"email_stopped\""));
  EXPECT_THAT(logged, HasSubstr("\"state\":\"SUPPRESSED\""));
  EXPECT_THAT(logged, Not(HasSubstr("jo@")));
}

TEST_F(DeliveryReporterTest, CountsAnEmailSentAndLogsNothing) {
  reporter_.OnRecorded(email_, End(Kind::kSent), absl::Milliseconds(40));
  EXPECT_EQ(Value("herald_accept_to_sent_seconds_count{lane=\"critical\"}"), 1);
  EXPECT_EQ(Logged(), "");
}

TEST_F(DeliveryReporterTest, LogsARetryWithItsIdsAndNoAddress) {
  reporter_.OnRecorded(email_, End(Kind::kRetry), absl::ZeroDuration());
  EXPECT_EQ(Value("herald_retries_total{lane=\"critical\"}"), 1);
  const std::string logged = Logged();
  EXPECT_THAT(logged, Not(HasSubstr("example.com")));
  const nlohmann::json line = nlohmann::json::parse(logged);
  EXPECT_EQ(line["event"], "email_retrying");
  EXPECT_EQ(line["email_id"], FormatEmailId(EmailId{7}));
  EXPECT_EQ(line["lane"], "critical");
  EXPECT_EQ(line["account"], "resend-main");
  EXPECT_EQ(line["attempt"], 2);
  EXPECT_EQ(line["reason"], "timeout");
  EXPECT_EQ(line["delay_ms"], 3000.0);
  EXPECT_EQ(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(DeliveryReporterTest, PuttingOffWithoutAnAttemptIsNeitherARetryNorNews) {
  storage::AttemptEnd end = End(Kind::kRetry);
  end.attempt = 0;
  reporter_.OnRecorded(email_, end, absl::ZeroDuration());
  EXPECT_EQ(Value("herald_retries_total{lane=\"critical\"}"), 0);
  EXPECT_EQ(Logged(), "");
}

TEST_F(DeliveryReporterTest, CountsWhatFailedAndWhatDied) {
  reporter_.OnRecorded(email_, End(Kind::kFailed), absl::ZeroDuration());
  reporter_.OnRecorded(email_, End(Kind::kDead), absl::ZeroDuration());
  EXPECT_THAT(Logged(), HasSubstr("\"ERROR\",\"event\":\"email_dead\""));
}

TEST_F(DeliveryReporterTest, KeepsARenderErrorsTextOutOfTheLog) {
  reporter_.OnRenderFailure(email_, absl::InvalidArgumentError("variable code=914-233"));
  EXPECT_EQ(Value("herald_render_failures_total{lane=\"critical\"}"), 1);
  const std::string logged = Logged();
  EXPECT_THAT(logged, HasSubstr("\"code\":\"INVALID_ARGUMENT\""));
  EXPECT_THAT(logged, Not(HasSubstr("914-233")));
}

TEST_F(DeliveryReporterTest, CountsStaleOutcomesAndDatabaseErrors) {
  reporter_.OnStale(email_);
  reporter_.OnStorageError("claim", absl::UnavailableError("connection lost"));
  EXPECT_EQ(Value("herald_stale_outcomes_total"), 1);
  EXPECT_EQ(Value("herald_db_errors_total{code=\"UNAVAILABLE\"}"), 1);
  EXPECT_THAT(Logged(), HasSubstr("\"step\":\"claim\""));
}

}  // namespace
}  // namespace herald::ops
