// herald-webhook as it is shipped: its own process, a real gRPC server behind it, and webhooks
// signed by Svix's own library in front of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/support/child_process.h"
#include "tests/unit/webhook/fake_heraldd.h"
#include "tests/unit/webhook/raw_client.h"
#include "tests/unit/webhook/signed_webhook.h"
#include "tests/unit/webhook/temp_file.h"

namespace herald::webhook {
namespace {

using ::testing::HasSubstr;

constexpr char kPayload[] = R"({"type":"email.delivered","data":{"email_id":"m-1"}})";

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The number after `"port":` in a log line.
int PortIn(const std::string& line) {
  const size_t at = line.find("\"port\":");
  return at == std::string::npos ? 0 : std::atoi(&line[at + sizeof("\"port\":") - 1]);
}

class WebhookProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    support::ChildOptions options;
    options.argv = {absl::StrCat(FromEnvironment("HERALD_BUILD_DIR"), "/bin/herald-webhook"),
                    "--listen=127.0.0.1:0",
                    "--metrics-listen=127.0.0.1:0",
                    absl::StrCat("--heraldd=", heraldd_.target()),
                    absl::StrCat("--token-file=", token_.path()),
                    absl::StrCat("--account=resend-main=resend:", secrets_.path())};
    auto started = support::ChildProcess::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    sidecar_ = *std::move(started);
    const auto metrics = sidecar_->WaitForLine("\"metrics_listening\"", absl::Seconds(20));
    const auto listening = sidecar_->WaitForLine("\"listening\"", absl::Seconds(20));
    ASSERT_TRUE(metrics.ok() && listening.ok()) << listening.status();
    metrics_port_ = static_cast<uint16_t>(PortIn(*metrics));
    port_ = static_cast<uint16_t>(PortIn(*listening));
  }

  int PostOne(const std::string& secret, absl::Time at = absl::Now()) {
    return Post(port_, "resend-main", providers::SignedWebhook(kPayload, secret, at));
  }

  // The value of a sample that /metrics shows, such as `name{label="x"}`; 0 when absent.
  double Metric(const std::string& sample) {
    support::ChildOptions curl;
    curl.argv = {"curl", "-s", absl::StrCat("http://127.0.0.1:", metrics_port_, "/metrics")};
    const auto page = support::RunToEnd(curl, absl::Seconds(20));
    EXPECT_TRUE(page.ok()) << page.status();
    const size_t at = page.ok() ? page->find(sample + " ") : std::string::npos;
    return at == std::string::npos ? 0 : std::atof(&(*page)[at + sample.size()]);
  }
  double Refused(absl::string_view reason) {
    return Metric(absl::StrCat("herald_webhook_refused_total{account=\"resend-main\",reason=\"",
                               reason, "\"}"));
  }

  FakeHeraldd heraldd_;
  TempFile token_{"hk_sidecar\n"};
  TempFile secrets_{absl::StrCat(providers::kSecret, "\n")};
  std::unique_ptr<support::ChildProcess> sidecar_;
  uint16_t port_ = 0;
  uint16_t metrics_port_ = 0;
};

TEST_F(WebhookProcessTest, CarriesAVerifiedEventToHeralddAndCountsIt) {
  EXPECT_EQ(PostOne(providers::kSecret), 200);
  ASSERT_EQ(heraldd_.events().size(), 1u);
  EXPECT_EQ(heraldd_.events()[0].account(), "resend-main");
  EXPECT_EQ(heraldd_.events()[0].type(), v1::EVENT_TYPE_DELIVERED);
  EXPECT_EQ(heraldd_.authorization(), "Bearer hk_sidecar");
  EXPECT_EQ(Metric("herald_webhook_events_total{account=\"resend-main\",type=\"delivered\"}"), 1);
  EXPECT_EQ(Get(port_, "/readyz"), 200);
}

TEST_F(WebhookProcessTest, CountsAndLogsWhatItRefuses) {
  EXPECT_EQ(PostOne(providers::kOtherSecret), 401);
  EXPECT_EQ(PostOne(providers::kSecret, absl::Now() - absl::Minutes(6)), 401);
  EXPECT_EQ(Refused("signature"), 1);
  EXPECT_EQ(Refused("timestamp"), 1);
  EXPECT_TRUE(sidecar_->WaitForLine("\"reason\":\"bad_signature\"", absl::Seconds(20)).ok());
  EXPECT_TRUE(sidecar_->WaitForLine("\"reason\":\"stale_timestamp\"", absl::Seconds(20)).ok());
  EXPECT_THAT(sidecar_->Stderr(), Not(HasSubstr("whsec_")));
}

TEST_F(WebhookProcessTest, IsNotReadyAndDefersWithoutHeraldd) {
  heraldd_.Stop();
  EXPECT_EQ(Get(port_, "/readyz"), 503);
  EXPECT_EQ(PostOne(providers::kSecret), 503);
  EXPECT_EQ(Refused("unavailable"), 1);
}

TEST_F(WebhookProcessTest, EndsWithZeroOnSigterm) {
  EXPECT_EQ(PostOne(providers::kSecret), 200);
  sidecar_->Signal(SIGTERM);
  EXPECT_EQ(sidecar_->Wait(absl::Seconds(20)), 0);
  EXPECT_THAT(sidecar_->Stderr(), HasSubstr("\"event\":\"stopped\""));
}

TEST_F(WebhookProcessTest, SpeaksSvixWithSvixsOwnLibrary) {
  const std::string interop = absl::StrCat(FromEnvironment("HERALD_SOURCE_DIR"), "/tests/interop");
  if (!std::ifstream(interop + "/node_modules/svix/package.json")) {
    GTEST_SKIP() << "needs npm install in tests/interop";
  }
  const auto sign = [&](const char* secret, const char* age_seconds) {
    support::ChildOptions node;
    node.argv = {"node",
                 interop + "/svix_sign.js",
                 absl::StrCat("http://127.0.0.1:", port_, "/v1/webhooks/resend-main"),
                 secret,
                 kPayload,
                 "msg_svix",
                 age_seconds};
    auto status = support::RunToEnd(node, absl::Seconds(60));
    EXPECT_TRUE(status.ok()) << status.status();
    return status.ok() ? std::string(absl::StripAsciiWhitespace(*status)) : "";
  };
  EXPECT_EQ(sign(providers::kSecret, "0"), "200");
  EXPECT_EQ(sign(providers::kSecret, "360"), "401");
  secrets_.Write(providers::kOtherSecret);
  EXPECT_EQ(sign(providers::kSecret, "0"), "401");
  EXPECT_EQ(sign(providers::kOtherSecret, "0"), "200");
  EXPECT_EQ(heraldd_.events().size(), 2u);
  EXPECT_EQ(Refused("timestamp"), 1);
  EXPECT_EQ(Refused("signature"), 1);
}

}  // namespace
}  // namespace herald::webhook
