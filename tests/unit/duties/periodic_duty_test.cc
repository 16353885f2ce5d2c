#include "server/duties/periodic_duty.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace herald::duties {
namespace {

void Ignore(const std::string&, const absl::Status&) {}

TEST(PeriodicDuty, StartsAndStopsInAnyOrder) {
  std::atomic<int> rounds{0};
  PeriodicDuty duty(
      "count", absl::Hours(1),
      [&]() -> absl::StatusOr<bool> {
        ++rounds;
        return false;
      },
      Ignore);
  duty.Stop();
  duty.Start();
  duty.Start();
  duty.Stop();
  duty.Stop();
  EXPECT_EQ(rounds, 1);
  duty.Start();
  duty.Stop();
  EXPECT_EQ(rounds, 2);
}

TEST(PeriodicDuty, GoesOnWithoutAPauseWhileThereIsMore) {
  absl::Notification done;
  int left = 5;
  PeriodicDuty duty(
      "drain", absl::Hours(1),
      [&]() -> absl::StatusOr<bool> {
        if (--left == 0) done.Notify();
        return left > 0;
      },
      Ignore);
  duty.Start();
  done.WaitForNotification();
}

TEST(PeriodicDuty, ReportsAFailedRoundAndTriesAgain) {
  absl::Notification again;
  std::atomic<int> rounds{0};
  std::string failed;
  PeriodicDuty duty(
      "fragile", absl::Milliseconds(1),
      [&]() -> absl::StatusOr<bool> {
        if (++rounds == 1) return absl::UnavailableError("away");
        if (rounds == 2) again.Notify();
        return false;
      },
      [&](const std::string& name, const absl::Status&) { failed = name; });
  duty.Start();
  again.WaitForNotification();
  duty.Stop();
  EXPECT_EQ(failed, "fragile");
}

}  // namespace
}  // namespace herald::duties
