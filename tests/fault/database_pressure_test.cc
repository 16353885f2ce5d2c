// A database that ends sessions, stands still, or has no session left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

std::string NotSent(const Stack& stack) {
  return stack.Query("SELECT count(*) FROM herald.emails WHERE state <> 5");
}

TEST(DatabasePressureTest, SessionsThatTheServerEndsUnderLoadLoseNothing) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK(stack->Start({}));
  ASSERT_OK(stack->Provision());
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  const int rounds = Long() ? 30 : 8;
  for (int i = 0; i < rounds; ++i) {
    absl::SleepFor(absl::Seconds(1));
    stack->Query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  }
  EXPECT_TRUE(load.AwaitProgress(kPatience));
  ExpectEverythingAccountedFor(*stack, load, {stack->SandboxRecord()});
  EXPECT_EQ(NotSent(*stack), "0") << "no email is poison because its sessions ended";
}

TEST(DatabasePressureTest, AnAttemptWhoseBeginningWasLostBeginsAgainBeforeItsLeaseEnds) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK_AND_ASSIGN(const auto gate, support::TcpGate::Start(stack->cluster().port()));
  Settings settings;
  settings.database_dsn = stack->cluster().TcpDsn(stack->database(), gate->port());
  settings.lease = absl::Hours(1);
  ASSERT_OK(stack->Start(settings));
  ASSERT_OK(stack->Provision());
  gate->CutWhenSeen(support::TcpGate::Direction::kFromClient, "herald.begin_attempts_",
                    support::TcpGate::CutPoint::kBeforeForwarding);
  ASSERT_OK_AND_ASSIGN(const client::SendResult sent,
                       stack->Connect(stack->tenants()[0])
                           .SendEmail(*client::IdempotencyKey::Create("order:1"), EmailOf(1)));
  ASSERT_TRUE(gate->WaitForCut(kPatience)) << "nothing was lost";
  EXPECT_TRUE(AwaitQuiescence(*stack, kPatience)) << stack->process().Stderr();
  EXPECT_EQ(stack->Query("SELECT state FROM herald.emails"), "5");
  EXPECT_EQ(stack->Query("SELECT attempt, outcome FROM herald.attempts"), "1|1");
  AccountingInput input{{}, {stack->SandboxRecord()}, /*idempotent=*/true};
  input.acknowledged[{stack->tenants()[0].id, "order:1"}] = {sent.email.id(), 1};
  ExpectAccountedFor(*stack, input);
}

TEST(DatabasePressureTest, AFrozenDatabaseHoldsNoCallBeyondItsDeadlineAndLosesNothing) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK(stack->Start({}));
  ASSERT_OK(stack->Provision());
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  absl::SleepFor(absl::Seconds(1));
  stack->cluster().Freeze();
  const client::Client client = stack->ConnectWithoutRetries(stack->tenants()[0]);
  client::CallOptions options;
  options.deadline = absl::Seconds(2);
  const absl::Time asked = absl::Now();
  EXPECT_FALSE(
      client.SendEmail(*client::IdempotencyKey::Create("frozen"), EmailOf(1), options).ok());
  EXPECT_LT(absl::Now() - asked, absl::Seconds(8)) << "the deadline, and a busy machine's delay";
  // Beyond the leases, which last 11 seconds.
  absl::SleepFor(Long() ? absl::Seconds(20) : absl::Seconds(12));
  stack->cluster().Thaw();
  ASSERT_TRUE(load.AwaitProgress(kPatience)) << stack->process().Stderr();
  // The one call of our own may or may not have been kept: its key is settled as a caller would.
  const auto settled = stack->Connect(stack->tenants()[0])
                           .SendEmail(*client::IdempotencyKey::Create("frozen"), EmailOf(1));
  ASSERT_OK(settled);
  EXPECT_TRUE(load.Finish(kPatience));
  ASSERT_TRUE(AwaitQuiescence(*stack, kPatience)) << stack->process().Stderr();
  AccountingInput input{load.acknowledged(), {stack->SandboxRecord()}, /*idempotent=*/true};
  input.acknowledged[{stack->tenants()[0].id, "frozen"}] = {settled->email.id(), 1};
  ExpectAccountedFor(*stack, input);
  EXPECT_THAT(load.violations(), ::testing::IsEmpty());
  EXPECT_EQ(NotSent(*stack), "0");
}

TEST(DatabasePressureTest, ADatabaseWithoutAFreeSessionIsUnavailableAndNothingWorse) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack,
                       Stack::Create(/*database_connections=*/30));
  ASSERT_OK(stack->Start({}));
  ASSERT_OK(stack->Provision());
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  ASSERT_TRUE(load.AwaitProgress(kPatience));
  // Foreign sessions take every free one, and those of heraldd as they end.
  pqxx::connection first(stack->cluster().Dsn(stack->database()));
  pqxx::nontransaction work(first);
  std::vector<std::unique_ptr<pqxx::connection>> foreign;
  const absl::Time end = absl::Now() + absl::Seconds(4);
  while (absl::Now() < end) {
    try {
      foreign.push_back(
          std::make_unique<pqxx::connection>(stack->cluster().Dsn(stack->database())));
    } catch (const std::exception&) {
      work.exec(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
          "AND datname = current_database() AND query LIKE '%herald%'");
    }
  }
  EXPECT_GT(foreign.size(), 20u) << "sessions were left";
  foreign.clear();
  EXPECT_TRUE(load.AwaitProgress(kPatience)) << stack->process().Stderr();
  ExpectEverythingAccountedFor(*stack, load, {stack->SandboxRecord()});
}

}  // namespace
}  // namespace herald::fault
