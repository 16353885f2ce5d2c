#include "server/catalog/variable_codec.h"

#include <gtest/gtest.h>

namespace herald::catalog {
namespace {

using templates::VariableType;

TEST(VariableCodec, ReadsWhatItWrote) {
  const std::vector<templates::Variable> variables = {
      {"name", VariableType::kString, true, "of the \"customer\""},
      {"items", VariableType::kList, false, ""}};
  const auto read = DecodeVariables(EncodeVariables(variables));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].name, "name");
  EXPECT_EQ((*read)[0].type, VariableType::kString);
  EXPECT_TRUE((*read)[0].required);
  EXPECT_EQ((*read)[0].description, "of the \"customer\"");
  EXPECT_EQ((*read)[1].type, VariableType::kList);
}

TEST(VariableCodec, ReadsEarlierAndLaterReleases) {
  const auto read = DecodeVariables(R"([{"name":"x","type":"date","new":1},{"name":"y"}])");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)[0].type, VariableType::kAny);
  EXPECT_FALSE((*read)[1].required);
}

TEST(VariableCodec, RefusesWhatIsNoList) {
  for (const char* bad : {"", "{}", "[1]", "[", "null"}) {
    EXPECT_EQ(DecodeVariables(bad).status().code(), absl::StatusCode::kDataLoss) << bad;
  }
}

}  // namespace
}  // namespace herald::catalog
