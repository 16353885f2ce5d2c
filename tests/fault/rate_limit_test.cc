// Limits of one tenant over two replicas.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/error_details.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kPoll = absl::Milliseconds(50);

class RateLimits : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
    tenant_ = stack_->tenants()[0];
    one_ = std::make_unique<client::Client>(stack_->Connect(tenant_));
    ASSERT_OK_AND_ASSIGN(replica_, stack_->StartReplica(settings_));
    other_ = std::make_unique<client::Client>(stack_->ConnectTo(replica_, tenant_));
  }

  void Set(v1::TenantLimits limits) {
    v1::SetTenantLimitsRequest request;
    limits.set_tenant_id(tenant_.id);
    *request.mutable_limits() = std::move(limits);
    ASSERT_OK(stack_->ConnectAsOperator().SetTenantLimits(request));
  }

  absl::StatusOr<client::SendResult> SendBy(const client::Client& client) {
    const int content = next_++;
    auto sent = client.SendEmail(*client::IdempotencyKey::Create(absl::StrCat("limit:", content)),
                                 EmailOf(content));
    if (sent.ok()) Acknowledge(*sent);
    return sent;
  }

  // Sends a call of `count` emails.
  absl::Status SendManyBy(const client::Client& client, int count) {
    std::vector<client::KeyedEmail> emails;
    for (int i = 0; i < count; ++i) {
      const int content = next_++;
      emails.push_back(
          {*client::IdempotencyKey::Create(absl::StrCat("limit:", content)), EmailOf(content)});
    }
    const auto results = client.SendEmails(std::move(emails));
    if (!results.ok()) return results.status();
    for (const auto& result : *results) {
      if (!result.ok()) return result.status();
      Acknowledge(*result);
    }
    return absl::OkStatus();
  }

  void Acknowledge(const client::SendResult& sent) {
    acknowledged_[{tenant_.id, sent.email.idempotency_key()}] = {sent.email.id(), 0};
  }
  void ExpectAllSentAndAccountedFor() {
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    ExpectAccountedFor(*stack_, {acknowledged_, {stack_->SandboxRecord()}, /*idempotent=*/true});
  }

  // Waits until the limit is known to the replica: it parks or refuses.
  template <class Condition>
  bool Await(const Condition& condition) {
    for (const absl::Time end = absl::Now() + kPatience; absl::Now() < end; absl::SleepFor(kPoll)) {
      if (condition()) return true;
    }
    return false;
  }

  Settings settings_;
  std::unique_ptr<Stack> stack_;
  Replica replica_;
  Tenant tenant_;
  std::unique_ptr<client::Client> one_;
  std::unique_ptr<client::Client> other_;
  int next_ = 0;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

TEST_F(RateLimits, TwoReplicasSendATenantsMailAtItsRateAndLoseNothing) {
  constexpr int kRate = 20;
  constexpr int kEmails = 160;
  v1::TenantLimits limits;
  limits.mutable_send()->set_per_second(kRate);
  limits.mutable_send()->set_burst(1);
  Set(limits);
  // Both replicas know within two seconds.
  absl::SleepFor(absl::Seconds(3));  // the promise's own time
  for (int i = 0; i < kEmails / 20; ++i) {
    ASSERT_OK(SendManyBy(i % 2 == 0 ? *one_ : *other_, 20));
  }
  ASSERT_TRUE(Await(
      [&] { return stack_->Query("SELECT count(*) FROM herald.emails WHERE state < 5") == "0"; }));
  const std::vector<testing::AcceptedLine> accepted =
      testing::ReadGroundTruth(stack_->SandboxRecord());
  std::set<std::string> different;
  for (const testing::AcceptedLine& line : accepted) different.insert(line.email_id);
  EXPECT_EQ(accepted.size(), static_cast<size_t>(kEmails));
  EXPECT_EQ(different.size(), static_cast<size_t>(kEmails));

  // Hand-over i of the tenant is not before its slot, counted from the first.
  const std::string late = stack_->Query(absl::StrCat(
      "SELECT count(*) FROM (SELECT begin_time - min(begin_time) OVER () AS since, "
      "row_number() OVER (ORDER BY begin_time, email_id) - 1 AS i FROM herald.attempts) a "
      "WHERE since < (i - 1) * interval '",
      1000 / kRate, " ms'"));
  EXPECT_EQ(late, "0");
  std::cout << "hand-overs in the busiest second, of " << kRate << ": "
            << stack_->Query(
                   "SELECT max(n) FROM (SELECT (SELECT count(*) FROM herald.attempts b "
                   "WHERE b.begin_time >= a.begin_time AND b.begin_time < a.begin_time + "
                   "interval '1 s') AS n FROM herald.attempts a) w")
            << std::endl;
  // One park each, none an attempt.
  EXPECT_EQ(stack_->Query("SELECT count(*), max(attempt) FROM herald.attempts"), "160|1");
  EXPECT_GE(std::stoi(stack_->Query(
                "SELECT count(*) FROM herald.email_events WHERE type = 13 AND reason = 'tenant'")),
            kEmails - kRate);
  ExpectAllSentAndAccountedFor();
}

TEST_F(RateLimits, CallersAboveTheIngestLimitAreToldWhenToComeAgain) {
  v1::TenantLimits limits;
  limits.mutable_ingest()->set_per_second(0.01);
  limits.mutable_ingest()->set_burst(30);
  Set(limits);
  absl::SleepFor(absl::Seconds(3));  // the promise's own time
  int admitted = 0;
  absl::Status refusals[2];
  const client::Client* replicas[] = {one_.get(), other_.get()};
  for (int i = 0; i < 80; ++i) {
    const auto sent = SendBy(*replicas[i % 2]);
    if (sent.ok()) {
      ++admitted;
    } else {
      refusals[i % 2] = sent.status();
    }
  }
  // A replica may have lost some of what it leased for another second.
  EXPECT_LE(admitted, 30);
  EXPECT_GE(admitted, 20);
  for (const absl::Status& refused : refusals) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    const client::ErrorDetails details = client::ExtractErrorDetails(refused);
    EXPECT_EQ(details.reason, "INGEST_LIMIT");
    ASSERT_TRUE(details.retry_delay.has_value());
    EXPECT_GT(*details.retry_delay, absl::Seconds(30));
    EXPECT_LE(*details.retry_delay, absl::Seconds(100));
  }
  const absl::Status batch = SendManyBy(*one_, 10);
  EXPECT_EQ(client::ExtractErrorDetails(batch).reason, "INGEST_LIMIT");
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.emails"), absl::StrCat(admitted));
  ExpectAllSentAndAccountedFor();
}

TEST_F(RateLimits, AChangedLimitIsKnownToBothReplicasWithinSeconds) {
  v1::TenantLimits limits;
  limits.mutable_ingest()->set_per_second(0.001);
  limits.mutable_ingest()->set_burst(1);
  Set(limits);
  for (const client::Client* replica : {one_.get(), other_.get()}) {
    EXPECT_TRUE(Await([&] { return absl::IsResourceExhausted(SendBy(*replica).status()); }));
  }
  Set({});
  for (const client::Client* replica : {one_.get(), other_.get()}) {
    EXPECT_TRUE(Await([&] { return SendBy(*replica).ok(); }));
  }
  ExpectAllSentAndAccountedFor();
}

}  // namespace
}  // namespace herald::fault
