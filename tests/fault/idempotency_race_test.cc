// One key, many callers at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/ground_truth.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using Result = absl::StatusOr<client::SendResult>;

// Results of `count` calls that are all ready before the first begins.
std::vector<Result> AtOnce(int count, const std::function<Result()>& call) {
  std::vector<Result> results(static_cast<size_t>(count), absl::UnknownError("did not run"));
  absl::BlockingCounter ready(count);
  absl::Notification go;
  std::vector<std::thread> callers;
  for (Result& result : results) {
    callers.emplace_back([&] {
      ready.DecrementCount();
      go.WaitForNotification();
      result = call();
    });
  }
  ready.Wait();
  go.Notify();
  for (std::thread& caller : callers) caller.join();
  return results;
}

TEST(IdempotencyRaceTest, SixtyFourCallersWithOneKeyGetOneEmail) {
  constexpr int kCallers = 64;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK(stack->Start({}));
  ASSERT_OK(stack->Provision());
  const client::Client client = stack->Connect(stack->tenants()[0]);
  const auto key = *client::IdempotencyKey::Create("order-confirmation:1");

  std::set<std::string> ids;
  int fresh = 0;
  for (const Result& result : AtOnce(kCallers, [&] { return client.SendEmail(key, EmailOf(1)); })) {
    ASSERT_OK(result);
    ids.insert(result->email.id());
    fresh += result->replayed ? 0 : 1;
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(fresh, 1) << "one caller made the email, the others met it";

  for (const Result& result : AtOnce(kCallers, [&] { return client.SendEmail(key, EmailOf(2)); })) {
    EXPECT_THAT(result, support::StatusIs(absl::StatusCode::kAlreadyExists));
    EXPECT_EQ(client::ExtractErrorDetails(result.status()).reason, "IDEMPOTENCY_KEY_REUSED");
  }

  // The same key is another email's with another tenant.
  const client::Client other = stack->Connect(stack->tenants()[1]);
  ASSERT_OK_AND_ASSIGN(const client::SendResult foreign, other.SendEmail(key, EmailOf(2)));
  EXPECT_FALSE(foreign.replayed);

  ASSERT_TRUE(AwaitQuiescence(*stack, absl::Seconds(20)));
  EXPECT_EQ(stack->Query("SELECT count(*) FROM herald.emails"), "2");
  std::vector<std::string> taken;
  for (const auto& line : testing::ReadGroundTruth(stack->SandboxRecord())) {
    taken.push_back(line.email_id);
  }
  EXPECT_THAT(taken, ::testing::UnorderedElementsAre(*ids.begin(), foreign.email.id()));
}

}  // namespace
}  // namespace herald::fault
