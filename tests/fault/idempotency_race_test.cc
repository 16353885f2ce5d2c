// One key, many callers at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
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
  AccountingInput input{{}, {stack->SandboxRecord()}, /*idempotent=*/true};
  input.acknowledged[{stack->tenants()[0].id, "order-confirmation:1"}] = {*ids.begin(), 1};
  input.acknowledged[{stack->tenants()[1].id, "order-confirmation:1"}] = {foreign.email.id(), 2};
  ExpectAccountedFor(*stack, input);
}

// Each caller names the same keys in an order of its own: whoever took locks in the order of the
// call would wait for another in a circle.
TEST(IdempotencyRaceTest, CallersWithTheSameKeysInAnyOrderGetTheSameEmailsAndNoDeadlock) {
  constexpr int kCallers = 8;
  constexpr int kKeys = 40;
  const int rounds = Long() ? 100 : 10;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  Settings settings;
  settings.acceptance_connections = 4;
  ASSERT_OK(stack->Start(settings));
  ASSERT_OK(stack->Provision());
  const client::Client client = stack->Connect(stack->tenants()[0]);
  absl::Mutex mutex;
  std::map<std::string, std::set<std::string>> ids;  // by key
  std::map<std::string, int> fresh;
  std::vector<std::string> errors;
  const auto call = [&](int round, uint64_t seed) {
    std::vector<client::KeyedEmail> emails;
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = absl::StrCat("order:", round, "-", i);
      emails.push_back({*client::IdempotencyKey::Create(key), EmailOf(i)});
    }
    std::shuffle(emails.begin(), emails.end(), std::mt19937_64(seed));
    const auto results = client.SendEmails(emails);
    absl::MutexLock lock(&mutex);
    if (!results.ok()) return errors.push_back(results.status().ToString());
    for (const Result& result : *results) {
      if (!result.ok()) {
        errors.push_back(result.status().ToString());
        continue;
      }
      ids[result->email.idempotency_key()].insert(result->email.id());
      fresh[result->email.idempotency_key()] += result->replayed ? 0 : 1;
    }
  };
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::thread> callers;
    for (uint64_t c = 0; c < kCallers; ++c) {
      callers.emplace_back(
          [&, c] { call(round, Seed() + c * 1000 + static_cast<uint64_t>(round)); });
    }
    for (std::thread& caller : callers) caller.join();
  }
  EXPECT_THAT(errors, ::testing::IsEmpty());
  EXPECT_EQ(ids.size(), static_cast<size_t>(kKeys * rounds));
  AccountingInput input{{}, {stack->SandboxRecord()}, /*idempotent=*/true};
  for (const auto& [key, found] : ids) {
    input.acknowledged[{stack->tenants()[0].id, key}] = {*found.begin(), 0};
    EXPECT_EQ(found.size(), 1u) << key;
    EXPECT_EQ(fresh[key], 1) << key;
  }
  ASSERT_TRUE(AwaitQuiescence(*stack, absl::Seconds(20)));
  EXPECT_EQ(testing::ReadGroundTruth(stack->SandboxRecord()).size(), ids.size());
  ExpectAccountedFor(*stack, input);
  EXPECT_EQ(
      stack->Query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
      "0");
}

}  // namespace
}  // namespace herald::fault
