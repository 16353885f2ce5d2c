#include "server/delivery/urgent_traffic.h"

#include <gtest/gtest.h>

namespace herald::delivery {
namespace {

TEST(UrgentTraffic, FlowsForASecondAfterAClaim) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  UrgentTraffic traffic;
  EXPECT_FALSE(traffic.Flows(now));
  traffic.Note(now);
  EXPECT_TRUE(traffic.Flows(now));
  EXPECT_TRUE(traffic.Flows(now + absl::Milliseconds(999)));
  EXPECT_FALSE(traffic.Flows(now + absl::Seconds(1)));
}

}  // namespace
}  // namespace herald::delivery
