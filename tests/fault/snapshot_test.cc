// Readers that hold an old snapshot while the queue is drained: nothing dead can be cleaned away
// (T11).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <pqxx/pqxx>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/backlog.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr int kScanners = 4;
constexpr double kKept = 0.8;
constexpr absl::Duration kWindow = absl::Seconds(8);

// A transaction that sees the past for as long as it lives, and scanners that begin another such
// transaction after each scan.
class Readers {
 public:
  explicit Readers(const std::string& dsn) : connection_(dsn), old_(connection_) {
    old_.exec("SELECT count(*) FROM herald.queue");
    for (int i = 0; i < kScanners; ++i) threads_.emplace_back([this, dsn] { Scan(dsn); });
  }
  ~Readers() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  int scans() const { return scans_; }

 private:
  using Reader = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

  void Scan(const std::string& dsn) {
    pqxx::connection connection(dsn);
    while (!stopping_) {
      Reader reader(connection);
      reader.exec("SELECT count(*), max(run_at), sum(attempts) FROM herald.queue");
      reader.exec("SELECT pg_sleep(0.5)");
      reader.exec("SELECT count(*), max(run_at), sum(attempts) FROM herald.queue");
      ++scans_;
    }
  }

  pqxx::connection connection_;
  Reader old_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> scans_{0};
  std::vector<std::thread> threads_;
};

int64_t Queued(const Stack& stack) {
  int64_t count = 0;
  EXPECT_TRUE(absl::SimpleAtoi(stack.Query("SELECT count(*) FROM herald.queue"), &count));
  return count;
}

// What a stack drains for each email that its twin drains meanwhile, on the same machine and from
// as long a queue.
double ShareOver(const Stack& stack, const Stack& twin) {
  const int64_t before = Queued(stack);
  const int64_t twin_before = Queued(twin);
  absl::SleepFor(kWindow);
  const auto own = static_cast<double>(before - Queued(stack));
  const auto others = static_cast<double>(twin_before - Queued(twin));
  std::cout << "drained " << own << ", by the twin " << others << std::endl;
  return own / std::max(others, 1.0);
}

TEST(SnapshotTest, AHeldSnapshotAndScannersDoNotSlowTheDrainDownOverTime) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> twin, Stack::Create());
  AccountingInput input;
  Settings accepting;
  accepting.roles = "api";
  BacklogOptions backlog;
  backlog.lane = v1::LANE_STANDARD;
  backlog.emails = Long() ? 2'000'000 : 60'000;
  backlog.chunked = false;
  for (Stack* each : {stack.get(), twin.get()}) {
    ASSERT_OK(each->Start(accepting));
    ASSERT_OK(each->Provision());
    ASSERT_EQ(each->Terminate(absl::Seconds(20)), 0);
    ASSERT_OK_AND_ASSIGN(auto queued, QueueBacklog(*each, each->tenants()[0], backlog));
    if (each == stack.get()) input.acknowledged = std::move(queued);
  }
  for (Stack* each : {stack.get(), twin.get()}) ASSERT_OK(each->Start({}));
  const Readers readers(stack->cluster().Dsn(stack->database()));
  absl::SleepFor(absl::Seconds(1));  // both are at work
  const double early = ShareOver(*stack, *twin);
  absl::SleepFor(Long() ? absl::Minutes(9) : absl::Seconds(8));  // dead rows pile up
  const double late = ShareOver(*stack, *twin);
  std::cout << "drained per email of the twin: " << early << " early, " << late << " late; "
            << readers.scans() << " scans" << std::endl;
  EXPECT_GE(late, kKept * early);
  EXPECT_GT(readers.scans(), 10);
  EXPECT_GT(Queued(*stack), 0) << "too little was queued to measure";
  EXPECT_GT(Queued(*twin), 0) << "too little was queued to measure";
  ASSERT_EQ(stack->Terminate(absl::Seconds(20)), 0) << stack->process().Stderr();
  input.records = {stack->SandboxRecord()};
  input.unfinished = true;
  const Accounting accounting = Reconcile(*stack, input);
  std::cout << accounting.Text() << std::endl;
  EXPECT_THAT(accounting.violations, ::testing::IsEmpty());
}

}  // namespace
}  // namespace herald::fault
