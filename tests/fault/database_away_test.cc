// heraldd while its database is not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using support::StatusIs;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Asks until the health service answers `expected`. False: it did not in time.
bool BecomesServing(const client::Client& client, bool expected) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (absl::Now() < deadline) {
    const absl::StatusOr<bool> serving = client.IsServing("");
    if (serving.ok() && *serving == expected) return true;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return false;
}

// A refusal that is heraldd's own and says when to come again.
void ExpectToldToComeAgain(const absl::Status& status) {
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  const client::ErrorDetails details = client::ExtractErrorDetails(status);
  EXPECT_EQ(details.reason, "STORAGE_UNAVAILABLE");
  ASSERT_TRUE(details.retry_delay.has_value()) << status;
  EXPECT_GT(*details.retry_delay, absl::ZeroDuration());
}

class DatabaseAwayTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(stack_, Stack::Create()); }

  // By key.
  void ExpectSentAndAccountedFor(const std::map<std::string, client::SendResult>& sent) {
    AccountingInput input{{}, {stack_->SandboxRecord()}, /*idempotent=*/true};
    for (const auto& [key, result] : sent) {
      input.acknowledged[{stack_->tenants()[0].id, key}] = {result.email.id(), 0};
    }
    ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
    ExpectAccountedFor(*stack_, input);
  }

  client::IdempotencyKey key_ = *client::IdempotencyKey::Create("order-confirmation:1");
  std::unique_ptr<Stack> stack_;
};

TEST_F(DatabaseAwayTest, WaitsForADatabaseThatIsAwayAtTheStart) {
  ASSERT_OK(stack_->cluster().Stop(/*immediate=*/true));
  ASSERT_OK(stack_->Launch({}));
  ASSERT_OK(stack_->process().WaitForLine("\"database_unavailable\"", kPatience));
  // Not even listening: nobody takes it for ready.
  EXPECT_THAT(stack_->ConnectWithoutRetries({"", "no-token"}).IsServing(""),
              StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(stack_->cluster().Start());
  ASSERT_OK(stack_->AwaitListening(kPatience));
  EXPECT_TRUE(BecomesServing(stack_->ConnectWithoutRetries({"", "no-token"}), true));
}

TEST_F(DatabaseAwayTest, StopsAtOnceWhileItWaitsForADatabaseAtTheStart) {
  ASSERT_OK(stack_->cluster().Stop(/*immediate=*/true));
  for (const int signal : {SIGTERM, SIGINT}) {
    ASSERT_OK(stack_->Launch({}));
    ASSERT_OK(stack_->process().WaitForLine("\"database_unavailable\"", kPatience));
    stack_->process().Signal(signal);
    // Without an ear for signals it goes on for a minute, and then fails.
    EXPECT_EQ(stack_->process().Wait(kPatience), 0);
    EXPECT_OK(stack_->process().WaitForLine("\"stopped\"", kPatience));
  }
}

TEST_F(DatabaseAwayTest, SaysSoWhileItIsAwayAndServesAgainWhenItIsBack) {
  ASSERT_OK(stack_->Start({}));
  ASSERT_OK(stack_->Provision());
  const client::Client client = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
  EXPECT_TRUE(BecomesServing(client, true));
  ASSERT_OK_AND_ASSIGN(const client::SendResult before, client.SendEmail(key_, EmailOf(1)));
  const auto second_key = *client::IdempotencyKey::Create("order-confirmation:2");

  ASSERT_OK(stack_->cluster().Stop(/*immediate=*/true));
  EXPECT_TRUE(BecomesServing(client, false));
  ExpectToldToComeAgain(client.SendEmail(second_key, EmailOf(2)).status());
  v1::GetEmailRequest get;
  get.set_id(before.email.id());
  ExpectToldToComeAgain(client.GetEmail(get).status());

  ASSERT_OK(stack_->cluster().Start());
  EXPECT_TRUE(BecomesServing(client, true));
  ASSERT_OK_AND_ASSIGN(const client::SendResult replayed, client.SendEmail(key_, EmailOf(1)));
  EXPECT_TRUE(replayed.replayed);
  EXPECT_EQ(replayed.email.id(), before.email.id());
  ASSERT_OK_AND_ASSIGN(const client::SendResult fresh, client.SendEmail(second_key, EmailOf(2)));
  EXPECT_FALSE(fresh.replayed) << "what was refused was not kept";
  ExpectSentAndAccountedFor({{key_.value(), before}, {second_key.value(), fresh}});
  EXPECT_EQ(stack_->Query("SELECT count(*), min(state), max(state) FROM herald.emails"), "2|5|5");
}

// There, and yet of no use: what a call has to read is locked for longer than heraldd waits.
class LockedTableTest : public DatabaseAwayTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // Until the future is ready: longer than heraldd's lock timeout of 2 s.
  std::future<absl::Status> Lock(const std::string& table) {
    std::future<absl::Status> locked = std::async(std::launch::async, [this, table] {
      return stack_->cluster()
          .Psql(stack_->database(),
                absl::StrCat("BEGIN; LOCK TABLE ", table, "; SELECT pg_sleep(4); COMMIT"))
          .status();
    });
    const std::string held = absl::StrCat(
        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
        "AND relation = '",
        table, "'::regclass");
    while (stack_->Query(held) == "0") absl::SleepFor(absl::Milliseconds(10));
    return locked;
  }
};

INSTANTIATE_TEST_SUITE_P(Tables, LockedTableTest,
                         ::testing::Values("api_tokens", "templates", "tenant_keys"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(LockedTableTest, IsNotTheCallersFaultAndNotAnInternalError) {
  ASSERT_OK(stack_->Start({}));
  ASSERT_OK(stack_->Provision());
  stack_->Kill9();
  ASSERT_OK(stack_->Start({}));  // with nothing in its caches
  const client::Client client = stack_->ConnectWithoutRetries(stack_->tenants()[0]);
  std::future<absl::Status> locked = Lock(absl::StrCat("herald.", GetParam()));
  ExpectToldToComeAgain(client.SendEmail(key_, EmailOf(1)).status());
  ASSERT_OK(locked.get());
  ASSERT_OK_AND_ASSIGN(const client::SendResult sent, client.SendEmail(key_, EmailOf(1)));
  ExpectSentAndAccountedFor({{key_.value(), sent}});
}

}  // namespace
}  // namespace herald::fault
