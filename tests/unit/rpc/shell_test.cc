// What the shell does around every call: limits, deadlines, errors, drain.
#include <gmock/gmock.h>

#include <thread>

#include "herald/v1/email_service.grpc.pb.h"
#include "herald/v1/tenant_service.grpc.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

class ShellTest : public ServerFixture {
 protected:
  grpc::Status Send(const v1::SendEmailRequest& request = {}) {
    auto context = As(token_);
    v1::Email email;
    return v1::EmailService::NewStub(channel_)->SendEmail(context.get(), request, &email);
  }
  grpc::Status Get(EmailId id) {
    auto context = As(token_);
    v1::GetEmailRequest request;
    request.set_id(FormatEmailId(id));
    v1::Email email;
    return v1::EmailService::NewStub(channel_)->GetEmail(context.get(), request, &email);
  }
};

TEST_F(ShellTest, ShedsCallsOverTheInFlightLimitAndSaysWhenToRetry) {
  options_.calls_in_flight_max = 2;
  acceptor_.Hold();
  Start();
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int i = 0; i < 2; ++i) callers.emplace_back([&] { good += Send().ok() ? 1 : 0; });
  acceptor_.AwaitHeld(2);
  const grpc::Status shed = Send();
  EXPECT_EQ(shed.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Reason(shed), "OVERLOADED");
  EXPECT_THAT(shed.error_details(), ::testing::HasSubstr("google.rpc.RetryInfo"));
  acceptor_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 2);
  // An answered call leaves a moment after its caller has the answer.
  const absl::Time give_up = absl::Now() + absl::Seconds(10);
  while (!Send().ok()) ASSERT_LT(absl::Now(), give_up);
}

TEST_F(ShellTest, ShedsCallsWhenTheExecutorIsFull) {
  options_.executor_threads = 1;
  options_.executor_queue_max = 1;
  emails_.Put(tenant_, EmailId{1}, "a@example.com");
  Start();
  ASSERT_TRUE(Get(EmailId{1}).ok());
  emails_.Close();
  std::thread running([&] { EXPECT_TRUE(Get(EmailId{1}).ok()); });
  emails_.AwaitReads(2);
  // Of two more one waits in the queue, the other finds it full.
  std::atomic<int> shed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      const grpc::Status status = Get(EmailId{1});
      if (status.ok()) return;
      EXPECT_EQ(Reason(status), "OVERLOADED");
      ++shed;
      emails_.Open();
    });
  }
  for (std::thread& caller : callers) caller.join();
  running.join();
  EXPECT_EQ(shed, 1);
}

TEST_F(ShellTest, DoesNoWorkForACallWhoseDeadlineHasPassed) {
  Start();
  ASSERT_TRUE(Send().ok());
  server_hours_ahead_ = 1;
  const grpc::Status status = Send();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(Reason(status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(acceptor_.accepted(), 1);
}

TEST_F(ShellTest, DoesNoWorkForACallWhoseDeadlinePassedInTheQueue) {
  options_.executor_threads = 1;
  emails_.Put(tenant_, EmailId{1}, "a@example.com");
  Start();
  ASSERT_TRUE(Get(EmailId{1}).ok());
  emails_.Close();
  std::thread running([&] { EXPECT_TRUE(Get(EmailId{1}).ok()); });
  emails_.AwaitReads(2);
  auto context = As(token_);
  context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(100)));
  v1::GetEmailRequest request;
  request.set_id(FormatEmailId(EmailId{1}));
  v1::Email email;
  EXPECT_EQ(
      v1::EmailService::NewStub(channel_)->GetEmail(context.get(), request, &email).error_code(),
      grpc::StatusCode::DEADLINE_EXCEEDED);
  // The server's deadline lies a little behind the caller's; now it has surely passed.
  server_hours_ahead_ = 1;
  emails_.Open();
  running.join();
  server_->Drain(absl::Now() + absl::Seconds(10));
  EXPECT_EQ(emails_.reads(), 2);
}

TEST_F(ShellTest, RefusesAnOversizedMessage) {
  options_.message_bytes_max = 64 << 10;
  Start();
  v1::SendEmailRequest request;
  request.mutable_inline_()->set_text(std::string(65 << 10, 'x'));
  EXPECT_EQ(Send(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(acceptor_.accepted(), 0);
}

TEST_F(ShellTest, RefusesOversizedMetadata) {
  Start();
  auto context = As(token_);
  context->AddMetadata("x-large", std::string(9 << 10, 'x'));
  v1::Email email;
  const grpc::Status status =
      v1::EmailService::NewStub(channel_)->SendEmail(context.get(), {}, &email);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(acceptor_.accepted(), 0);
}

TEST_F(ShellTest, AnErrorWithoutDetailsLeavesWithThem) {
  Start();
  acceptor_.Answer(absl::InternalError("row 7 of table x"));
  const grpc::Status internal = Send();
  EXPECT_EQ(Reason(internal), "INTERNAL");
  EXPECT_THAT(internal.error_message(), ::testing::Not(::testing::HasSubstr("row 7")));
  acceptor_.Answer(absl::UnavailableError("connection refused"));
  const grpc::Status away = Send();
  EXPECT_EQ(away.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(away), "STORAGE_UNAVAILABLE");
  EXPECT_THAT(away.error_details(), ::testing::HasSubstr("google.rpc.RetryInfo"));
}

TEST_F(ShellTest, TellsTheObserverOfEveryCall) {
  Start();
  ASSERT_TRUE(Send().ok());
  acceptor_.Answer(absl::UnavailableError("away"));
  ASSERT_FALSE(Send().ok());
  EXPECT_EQ(observer_.count(absl::StatusCode::kOk), 1);
  EXPECT_EQ(observer_.count(absl::StatusCode::kUnavailable), 1);
}

TEST_F(ShellTest, ADrainAnswersEveryAcceptedCall) {
  acceptor_.Hold();
  Start();
  constexpr int kCalls = 50;
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCalls; ++i) callers.emplace_back([&] { good += Send().ok() ? 1 : 0; });
  acceptor_.AwaitHeld(kCalls);
  std::thread drain([&] { server_->Drain(absl::Now() + absl::Seconds(20)); });
  // A new connection is refused once the drain has begun; the held calls are not.
  while (grpc::CreateChannel(Target(), grpc::InsecureChannelCredentials())
             ->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Milliseconds(50)))) {
  }
  acceptor_.Release();
  for (std::thread& caller : callers) caller.join();
  drain.join();
  EXPECT_EQ(good, kCalls);
}

TEST_F(ShellTest, ADrainUnderLoadLosesNoAcceptedCall) {
  Start();
  std::atomic<bool> stop{false};
  std::atomic<int64_t> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) good += Send().ok() ? 1 : 0;
    });
  }
  while (good < 100) std::this_thread::yield();
  server_->Drain(absl::Now() + absl::Seconds(20));
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(acceptor_.accepted(), good);
}

TEST_F(ShellTest, ADrainWaitsForWorkBeyondItsDeadline) {
  acceptor_.Hold();
  Start();
  std::thread caller([&] { EXPECT_FALSE(Send().ok()); });
  acceptor_.AwaitHeld(1);
  std::thread drain([&] { server_->Drain(absl::Now()); });
  caller.join();  // cancelled for the caller
  acceptor_.Release();
  drain.join();
}

TEST_F(ShellTest, CannotStartOnAnAddressThatIsTaken) {
  Start();
  options_.listen_address = Target();
  const auto second = Server::Start(options_, Parts());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace herald::rpc
