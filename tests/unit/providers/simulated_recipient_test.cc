#include "providers/sandbox/simulated_recipient.h"

#include <gtest/gtest.h>

namespace herald::providers {
namespace {

TEST(SimulatedRecipient, IsChosenByLocalPart) {
  EXPECT_EQ(SimulationFor("bounced@sandbox.herald.test"), Simulation::kBounced);
  EXPECT_EQ(SimulationFor("softbounced@sandbox.herald.test"), Simulation::kSoftBounced);
  EXPECT_EQ(SimulationFor("complained@sandbox.herald.test"), Simulation::kComplained);
  EXPECT_EQ(SimulationFor("delayed@sandbox.herald.test"), Simulation::kDelayed);
  EXPECT_EQ(SimulationFor("suppressed@sandbox.herald.test"), Simulation::kSuppressed);
  EXPECT_EQ(SimulationFor("rejected@sandbox.herald.test"), Simulation::kRejected);
  EXPECT_EQ(SimulationFor("retry@sandbox.herald.test"), Simulation::kRetry);
  EXPECT_EQ(SimulationFor("down@sandbox.herald.test"), Simulation::kDown);
  EXPECT_EQ(SimulationFor("unconfirmed@sandbox.herald.test"), Simulation::kUnconfirmed);
  EXPECT_EQ(SimulationFor("delivered@sandbox.herald.test"), Simulation::kDelivered);
}

TEST(SimulatedRecipient, TakesLabelsAndAnyCase) {
  EXPECT_EQ(SimulationFor("bounced+eu.17@sandbox.herald.test"), Simulation::kBounced);
  EXPECT_EQ(SimulationFor("Bounced@Sandbox.Herald.Test"), Simulation::kBounced);
}

TEST(SimulatedRecipient, IsDeliveredAnywhereElse) {
  EXPECT_EQ(SimulationFor("bounced@example.com"), Simulation::kDelivered);
  EXPECT_EQ(SimulationFor("bouncedx@sandbox.herald.test"), Simulation::kDelivered);
  EXPECT_EQ(SimulationFor("bounced@sandbox.herald.test@example.com"), Simulation::kDelivered);
  EXPECT_EQ(SimulationFor("nobody"), Simulation::kDelivered);
}

}  // namespace
}  // namespace herald::providers
