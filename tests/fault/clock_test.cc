// Hosts whose clocks are wrong by an hour, or are set while heraldd runs (T19). Due times and
// leases are the database's business.
#include "absl/time/clock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using support::StatusIs;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kHour = absl::Hours(1);

// A host's clock, as far as one process is concerned.
class HostClock {
 public:
  explicit HostClock(const std::string& file) : file_(file) { Set(absl::ZeroDuration()); }
  const std::string& file() const { return file_; }
  // Off by so much from now on.
  void Set(absl::Duration shift) const {
    const int64_t nanos = absl::ToInt64Nanoseconds(shift);
    const int fd = open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    ASSERT_EQ(pwrite(fd, &nanos, sizeof(nanos), 0), static_cast<ssize_t>(sizeof(nanos)));
    close(fd);
  }

 private:
  const std::string file_;
};

class ClockTest : public ::testing::Test {
 protected:
  // One heraldd that takes calls and delivers, and another that delivers.
  void StartWith(absl::Duration shift, absl::Duration other_shift) {
    clock_.Set(shift);
    other_clock_.Set(other_shift);
    settings_.accounts = {{"provider", provider_.url()}};
    settings_.route = "provider";
    settings_.provider_timeout = absl::Seconds(10);
    settings_.lease = absl::Seconds(21);
    settings_.clock_shift_file = clock_.file();
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
    Settings other = settings_;
    other.roles = "delivery,duties";
    other.clock_shift_file = other_clock_.file();
    ASSERT_OK_AND_ASSIGN(replica_, stack_->StartReplica(other));
  }
  absl::StatusOr<client::SendResult> Send(const std::string& name,
                                          const v1::SendEmailRequest& request) {
    auto sent = stack_->Connect(stack_->tenants()[0])
                    .SendEmail(*client::IdempotencyKey::Create(name), request);
    if (sent.ok()) acknowledged_[{stack_->tenants()[0].id, name}] = {sent->email.id(), 0};
    return sent;
  }
  std::string StateOf(const std::string& name) const {
    return stack_->Query(
        absl::StrCat("SELECT state FROM herald.emails WHERE idempotency_key = '", name, "'"));
  }
  void ExpectSentOnceEach() const {
    EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.email_attempts WHERE attempt > 1"), "0")
        << "a lease was taken over early";
    EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.email_attempts a JOIN herald.emails e "
                            "USING (tenant_id, email_id) WHERE a.begin_time < e.send_time"),
              "0")
        << "something was sent early";
  }

  testing::TempDirectory directory_;
  const std::string record_ = directory_.path() + "/taken";
  const HostClock clock_{directory_.path() + "/clock"};
  const HostClock other_clock_{directory_.path() + "/other-clock"};
  testing::ResendEmulator provider_{{.ground_truth = record_, .fault = [](int) {
                                       testing::ResendFault slow;  // so that leases matter
                                       slow.delay = absl::Seconds(1);
                                       return slow;
                                     }}};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  Replica replica_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

// By its own log, which goes by the host's clock.
absl::Time LoggedAt(absl::string_view line) {
  constexpr absl::string_view kField = "\"time\":\"";
  const size_t at = line.find(kField);
  absl::Time time = absl::InfinitePast();
  std::string error;
  if (at != absl::string_view::npos) {
    const absl::string_view text = line.substr(at + kField.size());
    absl::ParseTime(absl::RFC3339_full, text.substr(0, text.find('"')), &time, &error);
  }
  return time;
}

class WrongClockTest : public ClockTest, public ::testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Hours, WrongClockTest, ::testing::Values(1, -1),
                         [](const auto& info) { return info.param > 0 ? "Fast" : "Slow"; });

TEST_P(WrongClockTest, NothingIsSentOrExpiresOrIsTakenOverByIt) {
  StartWith(GetParam() * kHour, -GetParam() * kHour);
  const absl::Time now = absl::Now();
  ASSERT_OK_AND_ASSIGN(const std::string line,
                       stack_->process().WaitForLine("\"listening\"", kPatience));
  ASSERT_LT(absl::AbsDuration(LoggedAt(line) - now - GetParam() * kHour), kHour / 2)
      << "its clock is right: " << line;
  const auto at = [now](absl::Duration later) {
    google::protobuf::Timestamp time;
    time.set_seconds(absl::ToUnixSeconds(now + later));
    return time;
  };
  v1::SendEmailRequest soon = EmailOf(1), later = EmailOf(2), brief = EmailOf(3), late = EmailOf(4);
  *soon.mutable_send_time() = at(absl::Seconds(4));
  *later.mutable_send_time() = at(kHour / 2);
  *brief.mutable_expire_time() = at(kHour / 2);
  *late.mutable_expire_time() = at(-kHour / 2);
  ASSERT_OK(Send("soon", soon));
  ASSERT_OK_AND_ASSIGN(const client::SendResult scheduled, Send("later", later));
  ASSERT_OK(Send("brief", brief));
  EXPECT_THAT(Send("late", late), StatusIs(absl::StatusCode::kInvalidArgument));
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(Send(absl::StrCat("now:", i),
                   EmailOf(i, i % 2 == 0 ? v1::LANE_TRANSACTIONAL : v1::LANE_BULK)));
  }
  const std::string open =
      "SELECT count(*) FROM herald.emails WHERE state < 5 AND idempotency_key <> 'later'";
  for (const absl::Time end = absl::Now() + kPatience;
       stack_->Query(open) != "0" && absl::Now() < end;) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_EQ(StateOf("soon"), "5");
  EXPECT_EQ(StateOf("brief"), "5");
  EXPECT_EQ(StateOf("later"), "1") << "SCHEDULED";
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.emails WHERE create_time NOT BETWEEN "
                          "now() - interval '1 min' AND now()"),
            "0");
  v1::CancelEmailRequest cancel;
  cancel.set_id(scheduled.email.id());
  ASSERT_OK(stack_->Connect(stack_->tenants()[0]).CancelEmail(cancel));
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  ExpectSentOnceEach();
  ExpectAccountedFor(*stack_, {acknowledged_, {record_}, true});
}

TEST_F(ClockTest, ClocksThatAreSetUnderLoadStopNothingAndTakeNothingOver) {
  StartWith(absl::ZeroDuration(), absl::ZeroDuration());
  std::mt19937_64 random(Seed());
  Load load(*stack_, {.callers = 2, .emails_per_call = 5, .seed = Seed()});
  const int jumps = Long() ? 60 : 8;
  for (int i = 0; i < jumps; ++i) {
    const auto minutes = [&random] { return std::uniform_int_distribution<int>(-60, 60)(random); };
    clock_.Set(absl::Minutes(i % 2 == 0 ? -60 : 60));
    other_clock_.Set(absl::Minutes(minutes()));
    ASSERT_TRUE(load.AwaitProgress(kPatience)) << stack_->process().Stderr();
    const int before = provider_.accepted();
    for (const absl::Time end = absl::Now() + kPatience; provider_.accepted() == before;) {
      ASSERT_LT(absl::Now(), end) << "nothing is sent any more\n" << stack_->process().Stderr();
      absl::SleepFor(absl::Milliseconds(20));
    }
    absl::SleepFor(absl::Milliseconds(500));  // the jump's own time
  }
  // What waits while a clock goes back is what the test is about: the last jump is one of those.
  clock_.Set(absl::Minutes(-60));
  other_clock_.Set(absl::Minutes(-60));
  ExpectEverythingAccountedFor(*stack_, load, {record_});
  ExpectSentOnceEach();
}

}  // namespace
}  // namespace herald::fault
