// heraldd with master keys that do not open what the database holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/fault_harness.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

TEST(MasterKeysTest, HeralddDoesNotStartWhereTheServicesOwnKeyDoesNotOpen) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  ASSERT_OK(stack->Start({}));
  EXPECT_EQ(stack->Terminate(kPatience), 0);
  stack->Query("UPDATE herald.tenant_keys SET master_key_id = 'gone' WHERE tenant_id = 0");
  ASSERT_OK(stack->Launch({}));
  EXPECT_EQ(stack->process().Wait(kPatience), 1);
  stack->process().WaitForOutput();
  EXPECT_THAT(stack->process().Stderr(),
              ::testing::HasSubstr("does not open with the configured master_keys"));
  stack->Query("UPDATE herald.tenant_keys SET master_key_id = 'test' WHERE tenant_id = 0");
  EXPECT_OK(stack->Start({}));
}

}  // namespace
}  // namespace herald::fault
