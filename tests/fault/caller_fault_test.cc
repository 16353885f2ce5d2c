// Callers in a hurry, callers that ask for too much, and clients that are none.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

class CallerFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start({}));
    ASSERT_OK(stack_->Provision());
  }

  static client::IdempotencyKey Key(int i) {
    return *client::IdempotencyKey::Create(absl::StrCat("order:", i));
  }
  void Acknowledge(int i, const std::string& id) {
    input_.acknowledged[{stack_->tenants()[0].id, absl::StrCat("order:", i)}] = {id, i};
  }
  void ExpectAccountedFor() {
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    input_.records = {stack_->SandboxRecord()};
    const Accounting accounting = Reconcile(*stack_, input_);
    std::cout << accounting.Text() << std::endl;
    EXPECT_THAT(accounting.violations, ::testing::IsEmpty());
  }

  std::unique_ptr<Stack> stack_;
  AccountingInput input_;
};

TEST_F(CallerFaultTest, DeadlinesOfMillisecondsLeaveNoKeyBehindThatCannotBeSettled) {
  constexpr int kEmails = 200;
  const client::Client hurried = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
  std::vector<std::string> told(kEmails);
  int in_time = 0;
  for (int i = 0; i < kEmails; ++i) {
    client::CallOptions options;
    options.deadline = absl::Milliseconds(1 + i % 8);
    const auto sent = hurried.SendEmail(Key(i), EmailOf(i), options);
    if (sent.ok()) told[static_cast<size_t>(i)] = sent->email.id();
    in_time += sent.ok() ? 1 : 0;
  }
  std::cout << in_time << " of " << kEmails << " in time" << std::endl;
  EXPECT_LT(in_time, kEmails) << "nobody was in a hurry";
  const client::Client patient = stack_->Connect(stack_->tenants()[0]);
  for (int i = 0; i < kEmails; ++i) {
    ASSERT_OK_AND_ASSIGN(const client::SendResult sent, patient.SendEmail(Key(i), EmailOf(i)));
    const std::string& before = told[static_cast<size_t>(i)];
    if (!before.empty()) {
      EXPECT_EQ(sent.email.id(), before);
    }
    Acknowledge(i, sent.email.id());
  }
  ExpectAccountedFor();
}

// The database stands still, so what waits to be committed can only grow.
TEST_F(CallerFaultTest, MoreThanFitsIsShedWithAHintAndWhatWasTakenIsKept) {
  constexpr int kCallers = 24;
  constexpr int kBatch = 1000;
  const client::Client client = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
  ASSERT_OK(client.SendEmail(Key(0), EmailOf(0)));  // caches fill
  stack_->cluster().Freeze();
  std::atomic<int> shed{0}, without_hint{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      std::vector<client::KeyedEmail> emails;
      for (int i = 0; i < kBatch; ++i) emails.push_back({Key(c * kBatch + i), EmailOf(i)});
      client::CallOptions options;
      options.deadline = absl::Seconds(6);
      const auto results = client.SendEmails(std::move(emails), options);
      if (!results.ok()) return;
      for (const auto& result : *results) {
        if (result.status().code() != absl::StatusCode::kResourceExhausted) continue;
        ++shed;
        if (!client::ExtractErrorDetails(result.status()).retry_delay.has_value()) ++without_hint;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  stack_->cluster().Thaw();
  std::cout << shed << " of " << kCallers * kBatch << " were shed" << std::endl;
  EXPECT_GT(shed, 0);
  EXPECT_EQ(without_hint, 0);
  // It serves again whoever waits as long as the hint says, and of what the frozen calls left every
  // key has one email and one delivery.
  const client::Client patient = stack_->Connect(stack_->tenants()[0]);
  const absl::Time give_up = absl::Now() + kPatience;
  for (int i = 0; i < kCallers * kBatch; i += 97) {
    absl::Status sent = patient.SendEmail(Key(i), EmailOf(i % kBatch)).status();
    while (absl::IsResourceExhausted(sent) && absl::Now() < give_up) {
      absl::SleepFor(*client::ExtractErrorDetails(sent).retry_delay);
      sent = patient.SendEmail(Key(i), EmailOf(i % kBatch)).status();
    }
    ASSERT_OK(sent);
  }
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  EXPECT_EQ(stack_->Query("SELECT count(*) - count(DISTINCT idempotency_key) FROM herald.emails"),
            "0");
  EXPECT_EQ(stack_->Query("SELECT DISTINCT state FROM herald.emails"), "5");
}

int Dial(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  return fd;
}

TEST_F(CallerFaultTest, SilentSlowAndOversizedClientsLeaveTheOthersAlone) {
  const auto descriptors = [&] {
    const std::filesystem::directory_iterator all(
        absl::StrCat("/proc/", stack_->process().pid(), "/fd"));
    return std::distance(begin(all), end(all));
  };
  const client::Client good = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
  client::CallOptions options;
  options.deadline = absl::Seconds(10);
  int next = 0;
  const auto expect_served = [&] {
    for (int i = 0; i < 20; ++i, ++next) {
      ASSERT_OK_AND_ASSIGN(const client::SendResult sent,
                           good.SendEmail(Key(next), EmailOf(next), options));
      Acknowledge(next, sent.email.id());
    }
  };
  expect_served();
  const auto before = descriptors();
  std::vector<int> rude;
  for (int i = 0; i < (Long() ? 10'000 : 500); ++i) rude.push_back(Dial(stack_->port()));
  expect_served();
  // Half of them begin to speak, and never come to the point.
  constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (size_t i = 0; i < rude.size(); i += 2) {
    send(rude[i], kPreface, 1 + i % (sizeof(kPreface) - 1), MSG_NOSIGNAL);
  }
  expect_served();
  v1::SendEmailRequest huge = EmailOf(1);
  huge.clear_template_();
  huge.mutable_inline_()->set_subject("huge");
  huge.mutable_inline_()->set_text(std::string(100 << 20, 'a'));
  EXPECT_FALSE(good.SendEmail(*client::IdempotencyKey::Create("huge"), huge, options).ok());
  expect_served();
  const client::Client talker =
      stack_->ConnectWithoutRetries({stack_->tenants()[0].id, std::string(64 << 10, 'x')});
  EXPECT_FALSE(
      talker.SendEmail(*client::IdempotencyKey::Create("talker"), EmailOf(1), options).ok());
  expect_served();
  for (int fd : rude) close(fd);
  const absl::Time deadline = absl::Now() + kPatience;
  while (descriptors() > before + 10 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_LE(descriptors(), before + 10) << "descriptors were not given back";
  ExpectAccountedFor();
}

}  // namespace
}  // namespace herald::fault
