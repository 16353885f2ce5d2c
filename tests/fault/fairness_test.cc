// One tenant has a mountain of mail queued; another's mail does not wait behind it (T16).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "model/lane.h"
#include "tests/fault/accounting.h"
#include "tests/fault/backlog.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/http_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPhase = absl::Seconds(3);
constexpr absl::Duration kBetweenCalls = absl::Milliseconds(50);
constexpr int kRounds = 2;
constexpr double kMostTimesAlone = 2.0;
// What the provider takes to answer: so long that it, and not a busy machine, is what the mountain
// waits for. Dwell ends when the outcome is on record.
constexpr absl::Duration kProviderDelay = absl::Seconds(2);

// Takes whatever it gets, alone and in batches, and says so after a while; many at once. The ids
// are looked for rather than parsed: its one thread must not be what is measured.
class SlowProvider {
 public:
  explicit SlowProvider(const std::string& record) : truth_(record) {}
  std::string url() const { return http_.url(); }
  int taken() const { return taken_; }

 private:
  testing::EmulatedReply Answer(const testing::EmulatedRequest& request) {
    constexpr absl::string_view kTag = R"("herald_email_id","value":")";
    const absl::string_view body = request.body;
    const bool is_new = keys_.insert(request.Header("idempotency-key").value_or("-")).second;
    std::vector<std::string> answers;
    for (size_t at = body.find(kTag); at != absl::string_view::npos; at = body.find(kTag, at)) {
      at += kTag.size();
      const std::string id(body.substr(at, body.find('"', at) - at));
      if (is_new) truth_.Append({id, request.Header("idempotency-key").value_or("-")});
      answers.push_back(absl::StrCat(R"({"id":"49a3999c-)", id, R"("})"));
    }
    taken_ += static_cast<int>(answers.size());
    testing::EmulatedReply reply;
    reply.headers = {{"Content-Type", "application/json"}};
    const std::string all = absl::StrJoin(answers, ",");
    reply.body = request.target == "/emails/batch" ? absl::StrCat(R"({"data":[)", all, "]}") : all;
    reply.delay = kProviderDelay;
    return reply;
  }

  std::atomic<int> taken_{0};
  // Of the emulator's one thread.
  testing::GroundTruthFile truth_;
  std::set<std::string> keys_;
  testing::HttpEmulator http_{
      [this](const testing::EmulatedRequest& request) { return Answer(request); }};
};

class FairnessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    settings_.accounts = {{"provider", provider_.url()}};
    settings_.route = "provider";
    settings_.provider_timeout = absl::Seconds(10);
    settings_.lease = absl::Seconds(60);
    settings_.breaker = "{slow_call: 10s}";
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
    quiet_ = stack_->tenants()[1];
  }

  void QueueMountain(const BacklogOptions& options) {
    const auto queued = QueueBacklog(*stack_, stack_->tenants()[0], options);
    ASSERT_OK(queued);
    acknowledged_.insert(queued->begin(), queued->end());
  }
  // The other tenant's mountain: out of the way, or due.
  void Shelve(bool away) {
    const absl::string_view when = away ? "now() + interval '1 h'" : "now() - interval '1 h'";
    for (const char* table : {"queue", "chunks"}) {
      stack_->Query(absl::StrCat("UPDATE herald.", table, " SET run_at = ", when,
                                 " WHERE lease_until IS NULL AND tenant_id = ", NumberOfNoisy()));
    }
    if (!away) return;
    // What is under way still ends.
    for (const absl::Time end = absl::Now() + absl::Seconds(20); absl::Now() < end;) {
      if (stack_->Query("SELECT (SELECT count(*) FROM herald.queue WHERE lease_until IS NOT NULL) "
                        "+ (SELECT count(*) FROM herald.chunks WHERE lease_until IS NOT NULL)") ==
          "0") {
        return;
      }
      absl::SleepFor(absl::Milliseconds(20));
    }
  }
  std::string NumberOfNoisy() const {
    return stack_->Query("SELECT min(tenant_id) FROM herald.tenants");
  }

  // The quiet tenant's own traffic for a while: an email alone and a few together, lane BULK, and
  // an urgent one. All are sent when it returns.
  void SendQuietly(const std::string& phase) {
    const client::Client client = stack_->Connect(quiet_);
    const absl::Time end = absl::Now() + kPhase;
    for (int call = 0; absl::Now() < end; ++call) {
      const absl::Time next = absl::Now() + kBetweenCalls;
      Send(client, absl::StrCat(phase, ":", call), v1::LANE_BULK, 1);
      Send(client, absl::StrCat(phase, ":", call, "c"), v1::LANE_BULK, 4);
      Send(client, absl::StrCat(phase, ":", call, "u"), v1::LANE_CRITICAL, 1);
      absl::SleepFor(next - absl::Now());
    }
    const std::string open = absl::StrCat(
        "SELECT count(*) FROM herald.emails WHERE state < 5 AND idempotency_key LIKE '", phase,
        ":%'");
    for (const absl::Time patience = absl::Now() + absl::Seconds(20); absl::Now() < patience;) {
      if (stack_->Query(open) == "0") return;
      absl::SleepFor(absl::Milliseconds(50));
    }
    FAIL() << "the quiet tenant's mail is still queued in phase " << phase;
  }
  void Send(const client::Client& client, const std::string& name, v1::Lane lane, int count) {
    std::vector<client::KeyedEmail> emails;
    for (int i = 0; i < count; ++i) {
      emails.push_back(
          {*client::IdempotencyKey::Create(absl::StrCat(name, ":", i)), EmailOf(i, lane)});
    }
    ASSERT_OK_AND_ASSIGN(const auto results, client.SendEmails(std::move(emails)));
    for (const auto& result : results) {
      ASSERT_OK(result);
      acknowledged_[{quiet_.id, result->email.idempotency_key()}] = {result->email.id(), 0};
    }
  }

  // Seconds from acceptance to SENT, of 99 in 100 of the quiet tenant's emails in the lane.
  double DwellIn(const std::string& phase, Lane lane) const {
    double seconds = -1;
    const std::string answer = stack_->Query(absl::StrCat(
        "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM update_time - "
        "create_time)) FROM herald.emails WHERE state = 5 AND lane = ",
        static_cast<int>(lane), " AND idempotency_key LIKE '", phase, ":%'"));
    return absl::SimpleAtod(answer, &seconds) ? seconds : -1;
  }

  testing::TempDirectory directory_;
  const std::string record_ = directory_.path() + "/taken";
  SlowProvider provider_{record_};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  Tenant quiet_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

// Of the rounds: whatever else the machine was made to do for a while is nobody's dwell.
double Best(const std::array<double, kRounds>& values) {
  return *std::min_element(values.begin(), values.end());
}

TEST_F(FairnessTest, AMountainOfOneTenantsBulkAtMostDoublesAnothersDwell) {
  // The mountain is there before any of it is sent.
  ASSERT_EQ(stack_->Terminate(absl::Seconds(20)), 0) << stack_->process().Stderr();
  const int thousands = Long() ? 500 : 100;
  QueueMountain({.emails = thousands * 900, .chunked = true, .name = "campaign"});
  QueueMountain({.emails = thousands * 100, .chunked = false, .name = "digest"});
  Shelve(/*away=*/true);
  ASSERT_OK(stack_->Start(settings_));
  std::array<double, kRounds> bulk, critical;
  for (int round = 0; round < kRounds; ++round) {
    const std::string alone = absl::StrCat("alone", round);
    const std::string beside = absl::StrCat("beside", round);
    Shelve(/*away=*/true);
    SendQuietly(alone);
    Shelve(/*away=*/false);
    const int before = provider_.taken();
    SendQuietly(beside);
    EXPECT_GT(provider_.taken() - before, 1000) << "the mountain was not being worked on";
    const auto times = [&](Lane lane) {
      const double was = DwellIn(alone, lane);
      const double is = DwellIn(beside, lane);
      std::cout << LaneName(lane) << " p99 dwell " << was << " s alone, " << is << " s beside\n";
      return is / was;
    };
    const size_t r = static_cast<size_t>(round);
    bulk[r] = times(Lane::kBulk);
    critical[r] = times(Lane::kCritical);
  }
  EXPECT_LE(Best(critical), kMostTimesAlone);
  EXPECT_LE(Best(bulk), kMostTimesAlone);
  EXPECT_NE(stack_->Query(absl::StrCat("SELECT count(*) FROM herald.emails WHERE state = 2 AND "
                                       "tenant_id = ",
                                       NumberOfNoisy())),
            "0")
      << "the mountain was gone before the measurement ended";
  ASSERT_EQ(stack_->Terminate(absl::Seconds(20)), 0) << stack_->process().Stderr();
  ExpectAccountedFor(*stack_, {acknowledged_, {record_}, /*idempotent=*/true, /*unfinished=*/true});
}

}  // namespace
}  // namespace herald::fault
