// Runs the cases on one stack, and afterwards looks at what the stack left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/stack.h"

namespace herald::e2e {
namespace {

// Whatever the cases did: the logs are JSON with an event a line, and name nobody's address. An
// address needs an "@"; nothing else that is logged has one.
class LogsAreClean : public ::testing::Environment {
 public:
  void TearDown() override {
    if (!Stack::Started()) return;
    Stack& stack = Stack::Shared();
    EXPECT_EQ(stack.Stop(), 0) << "heraldd did not drain";
    const std::vector<std::string> lines = stack.LogLines();
    EXPECT_GE(lines.size(), 4u);
    for (const std::string& line : lines) {
      const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      EXPECT_TRUE(json.is_object() && json.contains("event") && json.contains("time")) << line;
      EXPECT_EQ(line.find('@'), std::string::npos) << line;
    }
  }
};

}  // namespace
}  // namespace herald::e2e

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  ::testing::AddGlobalTestEnvironment(new herald::e2e::LogsAreClean);
  return RUN_ALL_TESTS();
}
