// Readers that hold an old snapshot while the queue is drained: nothing dead can be cleaned away
// (T11). What decays then is what the database has to do for an email, so that is measured, beside
// a twin without readers; the rate itself says more about what else the machine is doing.
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
#include "tests/fault/cpu_time.h"
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
  explicit Readers(const std::string& dsn)
      : connection_(dsn + " application_name=scanner"), old_(connection_) {
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
    pqxx::connection connection(dsn + " application_name=scanner");
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

// What the drain has cost so far: the computing of heraldd's sessions, not of the readers.
struct Meter {
  int64_t queued = 0;
  absl::Duration computed;
};

Meter Read(const Stack& stack) {
  return {Queued(stack), DatabaseCpuTime(stack,
                                         "backend_type = 'client backend' AND application_name <> "
                                         "'scanner' AND pid <> pg_backend_pid()")};
}

// Emails drained for each second that the database computed for it, since `since`.
double DrainedPerSecond(const Stack& stack, const Meter& since, absl::string_view what) {
  const Meter now = Read(stack);
  const auto emails = static_cast<double>(since.queued - now.queued);
  const double rate = emails / absl::ToDoubleSeconds(now.computed - since.computed);
  std::cout << what << ": " << emails << " drained, " << rate << " for each second of computing"
            << std::endl;
  return rate;
}

TEST(SnapshotTest, AHeldSnapshotAndScannersDoNotSlowTheDrainDownOverTime) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> twin, Stack::Create());
  AccountingInput input;
  Settings accepting;
  accepting.roles = "api";
  BacklogOptions backlog;
  backlog.lane = v1::LANE_STANDARD;
  backlog.emails = Long() ? 2'000'000 : 70'000;
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
  absl::SleepFor(absl::Seconds(2));  // both are at work
  const Meter begun = Read(*stack);
  const Meter twin_begun = Read(*twin);
  absl::SleepFor(kWindow);
  const double early = DrainedPerSecond(*stack, begun, "early");
  const double twin_early = DrainedPerSecond(*twin, twin_begun, "twin early");
  absl::SleepFor(Long() ? absl::Minutes(9) : absl::Seconds(8));  // dead rows pile up
  const Meter later = Read(*stack);
  const Meter twin_later = Read(*twin);
  absl::SleepFor(kWindow);
  const double late = DrainedPerSecond(*stack, later, "late");
  const double twin_late = DrainedPerSecond(*twin, twin_later, "twin late");
  std::cout << "late of early: " << late / early << ", of the twin " << twin_late / twin_early
            << "; " << readers.scans() << " scans" << std::endl;
  // Seconds are too few for the rate: it is printed, and held to in the long form.
  if (Long()) {
    EXPECT_GE(late / early, kKept * std::min(1.0, twin_late / twin_early));
  }
  EXPECT_GT(readers.scans(), 10);
  EXPECT_GT(Queued(*stack), 0) << "too little was queued to measure";
  EXPECT_GT(Queued(*twin), 0) << "too little was queued to measure";
  ASSERT_EQ(stack->Terminate(absl::Seconds(20)), 0) << stack->process().Stderr();
  input.records = {stack->SandboxRecord()};
  input.unfinished = true;
  ExpectAccountedFor(*stack, input);
}

}  // namespace
}  // namespace herald::fault
