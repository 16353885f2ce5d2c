#pragma once

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// gmock matchers for absl::Status and absl::StatusOr, which Debian's Abseil does not ship.
//
// There is deliberately no "is not OK": a test names the code it expects.
namespace herald::support {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "isn't OK" : "is OK") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.ok();
}

MATCHER_P2(StatusIsWithMessage, code, message, "has the expected code and message") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

// StatusIs(absl::StatusCode::kNotFound) or StatusIs(code, HasSubstr("…")).
template <typename MessageMatcher>
auto StatusIs(absl::StatusCode code, MessageMatcher message) {
  return StatusIsWithMessage(code, std::move(message));
}
inline auto StatusIs(absl::StatusCode code) { return StatusIsWithMessage(code, ::testing::_); }

MATCHER_P(IsOkAndHolds, value, "is OK and holds the expected value") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status().ToString();
    return false;
  }
  return ::testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace herald::support

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::herald::support::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::herald::support::IsOk())

// ASSERT_OK_AND_ASSIGN(auto store, OpenStore()): ends the test with the status when it is not OK.
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  HERALD_ASSERT_OK_AND_ASSIGN_(HERALD_CONCAT_(result_, __LINE__), declaration, expression)
#define HERALD_ASSERT_OK_AND_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                                         \
  ASSERT_OK(result);                                                  \
  declaration = *std::move(result)
#define HERALD_CONCAT_(a, b) HERALD_CONCAT_INNER_(a, b)
#define HERALD_CONCAT_INNER_(a, b) a##b
