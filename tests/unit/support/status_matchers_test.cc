#include "tests/support/status_matchers.h"

#include <gtest/gtest.h>

namespace herald::support {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Status kMissing = absl::NotFoundError("no such row");

TEST(StatusMatchers, TellOkFromError) {
  EXPECT_OK(absl::OkStatus());
  EXPECT_OK(absl::StatusOr<int>(7));
  EXPECT_THAT(kMissing, Not(IsOk()));
  EXPECT_THAT(absl::StatusOr<int>(kMissing), Not(IsOk()));
}

TEST(StatusMatchers, CompareCodeAndMessage) {
  EXPECT_THAT(kMissing, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(kMissing, StatusIs(absl::StatusCode::kNotFound, HasSubstr("row")));
  EXPECT_THAT(kMissing, Not(StatusIs(absl::StatusCode::kAborted)));
  EXPECT_THAT(kMissing, Not(StatusIs(absl::StatusCode::kNotFound, HasSubstr("column"))));
}

TEST(StatusMatchers, CompareTheValue) {
  EXPECT_THAT(absl::StatusOr<int>(7), IsOkAndHolds(Eq(7)));
  EXPECT_THAT(absl::StatusOr<int>(8), Not(IsOkAndHolds(Eq(7))));
  EXPECT_THAT(absl::StatusOr<int>(kMissing), Not(IsOkAndHolds(Eq(7))));
}

TEST(StatusMatchers, AssignWhatMayBeMoved) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<int> value,
                       absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(7)));
  EXPECT_EQ(*value, 7);
}

}  // namespace
}  // namespace herald::support
