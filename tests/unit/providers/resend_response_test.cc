#include "providers/resend/resend_response.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace herald::providers {
namespace {

using Transport = HttpResponse::Transport;

const absl::Time kNow = absl::FromUnixSeconds(1790000000);  // Mon, 21 Sep 2026 14:13:20 GMT

HttpResponse Answer(int status, std::string body) {
  HttpResponse response;
  response.transport = Transport::kAnswered;
  response.status = status;
  response.body = std::move(body);
  return response;
}

HttpResponse Error(int status, absl::string_view name) {
  return Answer(status, absl::StrCat("{\"statusCode\":", status, ",\"name\":\"", name,
                                     "\",\"message\":\"Invalid `to`: someone@example.com\"}"));
}

struct Row {
  int status;
  const char* name;  // empty: no JSON body
  Outcome outcome;
  const char* error_code;
};

class ResendError : public ::testing::TestWithParam<Row> {};

TEST_P(ResendError, HasItsVerdict) {
  const Row& row = GetParam();
  const HttpResponse response = row.name[0] != '\0'
                                    ? Error(row.status, row.name)
                                    : Answer(row.status, "<html>someone@example.com</html>");
  const SendResult result = ClassifyResendResponse(response, kNow);
  EXPECT_EQ(OutcomeName(result.outcome), OutcomeName(row.outcome));
  EXPECT_EQ(result.error_code, row.error_code);
  EXPECT_NE(result.detail, "");
  EXPECT_FALSE(absl::StrContains(result.detail, "@")) << result.detail;
  EXPECT_EQ(result.provider_message_id, "");
}

constexpr Outcome kRejected = Outcome::kRejected;
constexpr Outcome kRetryable = Outcome::kRetryable;
constexpr Outcome kUnconfirmed = Outcome::kUnconfirmed;
constexpr Outcome kProviderDown = Outcome::kProviderDown;

INSTANTIATE_TEST_SUITE_P(
    Documented, ResendError,
    ::testing::Values(
        Row{400, "validation_error", kRejected, "validation_error"},
        Row{400, "invalid_idempotency_key", kRejected, "invalid_idempotency_key"},
        Row{401, "missing_api_key", kProviderDown, "missing_api_key"},
        Row{401, "restricted_api_key", kProviderDown, "restricted_api_key"},
        Row{403, "restricted_api_key", kProviderDown, "restricted_api_key"},
        Row{403, "invalid_api_key", kProviderDown, "invalid_api_key"},
        Row{403, "invalid_permission", kProviderDown, "invalid_permission"},
        Row{403, "suspended_api_key", kProviderDown, "suspended_api_key"},
        Row{403, "validation_error", kProviderDown, "validation_error"},
        Row{403, "email_above_quota", kProviderDown, "email_above_quota"},
        Row{404, "not_found", kProviderDown, "not_found"},
        Row{405, "method_not_allowed", kProviderDown, "method_not_allowed"},
        Row{409, "invalid_idempotent_request", kUnconfirmed, "invalid_idempotent_request"},
        Row{409, "concurrent_idempotent_requests", kUnconfirmed, "concurrent_idempotent_requests"},
        Row{409, "resource_locked", kUnconfirmed, "resource_locked"},
        Row{422, "validation_error", kRejected, "validation_error"},
        Row{422, "invalid_attachment", kRejected, "invalid_attachment"},
        Row{422, "invalid_parameter", kRejected, "invalid_parameter"},
        Row{422, "missing_required_field", kRejected, "missing_required_field"},
        Row{422, "missing_required_parameter", kRejected, "missing_required_parameter"},
        Row{422, "invalid_from_address", kRejected, "invalid_from_address"},
        Row{429, "rate_limit_exceeded", kRetryable, "rate_limit_exceeded"},
        Row{429, "daily_quota_exceeded", kProviderDown, "daily_quota_exceeded"},
        Row{429, "monthly_quota_exceeded", kProviderDown, "monthly_quota_exceeded"},
        Row{403, "invalid_access", kProviderDown, "invalid_access"},
        Row{422, "invalid_region", kProviderDown, "invalid_region"},
        Row{403, "security_error", kProviderDown, "security_error"},
        Row{500, "application_error", kRetryable, "application_error"},
        Row{500, "internal_server_error", kRetryable, "internal_server_error"},
        Row{503, "service_unavailable", kRetryable, "service_unavailable"}));

INSTANTIATE_TEST_SUITE_P(
    ByStatus, ResendError,
    ::testing::Values(Row{301, "", kProviderDown, "301"}, Row{400, "", kRejected, "400"},
                      Row{401, "", kProviderDown, "401"}, Row{402, "", kProviderDown, "402"},
                      Row{403, "", kProviderDown, "403"}, Row{404, "", kProviderDown, "404"},
                      Row{405, "", kProviderDown, "405"}, Row{408, "", kRetryable, "408"},
                      Row{409, "", kUnconfirmed, "409"}, Row{413, "", kRejected, "413"},
                      Row{422, "brand_new_name", kRejected, "brand_new_name"},
                      Row{422, "a@b.example", kRejected, "422"}, Row{425, "", kRetryable, "425"},
                      Row{429, "", kRetryable, "429"}, Row{500, "", kRetryable, "500"},
                      Row{502, "", kUnconfirmed, "502"},
                      Row{502, "brand_new_name", kRetryable, "brand_new_name"},
                      Row{503, "", kRetryable, "503"}, Row{504, "", kUnconfirmed, "504"},
                      Row{524, "", kUnconfirmed, "524"}));

TEST(ResendResponse, AcceptsWithItsId) {
  const SendResult result = ClassifyResendResponse(Answer(200, "{\"id\":\"49a3-0c\"}"), kNow);
  EXPECT_EQ(result.outcome, Outcome::kAccepted);
  EXPECT_EQ(result.provider_message_id, "49a3-0c");
}

TEST(ResendResponse, IsUnconfirmedWhenSuccessHasNoReadableId) {
  for (const char* body : {"", "OK", "{}", "[]", "{\"id\":7}", "{\"id\":\"\"}", "{\"id\":\"49a3"}) {
    const SendResult result = ClassifyResendResponse(Answer(200, body), kNow);
    EXPECT_EQ(result.outcome, Outcome::kUnconfirmed) << body;
    EXPECT_EQ(result.error_code, "unreadable_success");
  }
}

TEST(ResendResponse, IsRetryableWhenNothingWasSent) {
  HttpResponse response;
  response.transport = Transport::kNotSent;
  EXPECT_EQ(ClassifyResendResponse(response, kNow).outcome, Outcome::kRetryable);
}

TEST(ResendResponse, IsUnconfirmedWithoutAnAnswer) {
  HttpResponse response;
  response.transport = Transport::kUnknown;
  EXPECT_EQ(ClassifyResendResponse(response, kNow).outcome, Outcome::kUnconfirmed);
}

TEST(ResendResponse, TellsTooFastFromBroken) {
  EXPECT_TRUE(ClassifyResendResponse(Error(429, "rate_limit_exceeded"), kNow).throttled);
  EXPECT_FALSE(ClassifyResendResponse(Error(429, "daily_quota_exceeded"), kNow).throttled);
  EXPECT_FALSE(ClassifyResendResponse(Error(503, "service_unavailable"), kNow).throttled);
}

TEST(ResendResponse, AnUnverifiedDomainIsItsSendersAlone) {
  EXPECT_TRUE(ClassifyResendResponse(Error(403, "validation_error"), kNow).sender_only);
  EXPECT_FALSE(ClassifyResendResponse(Error(403, "suspended_api_key"), kNow).sender_only);
  EXPECT_FALSE(ClassifyResendResponse(Error(422, "validation_error"), kNow).sender_only);
}

TEST(ResendResponse, PassesOnRetryAfterInSeconds) {
  HttpResponse response = Error(429, "rate_limit_exceeded");
  response.headers = {{"ratelimit-reset", "9"}, {"retry-after", "3"}};
  EXPECT_EQ(ClassifyResendResponse(response, kNow).retry_after, absl::Seconds(3));
}

TEST(ResendResponse, PassesOnRetryAfterAsADate) {
  HttpResponse response = Error(503, "service_unavailable");
  response.headers = {{"retry-after", "Mon, 21 Sep 2026 14:13:50 GMT"}};
  EXPECT_EQ(ClassifyResendResponse(response, kNow).retry_after, absl::Seconds(30));
}

TEST(ResendResponse, TakesARetryAfterDateInThePastAsNow) {
  HttpResponse response = Error(503, "service_unavailable");
  response.headers = {{"retry-after", "Mon, 21 Sep 2026 14:13:00 GMT"}};
  EXPECT_EQ(ClassifyResendResponse(response, kNow).retry_after, absl::ZeroDuration());
}

TEST(ResendResponse, FallsBackOnTheRateLimitsReset) {
  HttpResponse response = Error(429, "rate_limit_exceeded");
  response.headers = {{"ratelimit-reset", "1"}};
  EXPECT_EQ(ClassifyResendResponse(response, kNow).retry_after, absl::Seconds(1));
}

TEST(ResendResponse, IgnoresUnreadableRetryAfter) {
  HttpResponse response = Error(429, "rate_limit_exceeded");
  response.headers = {{"retry-after", "soon"}};
  EXPECT_FALSE(ClassifyResendResponse(response, kNow).retry_after.has_value());
}

std::vector<Outcome> BatchOutcomes(const std::string& body, size_t messages = 3) {
  HttpResponse response;
  response.transport = HttpResponse::Transport::kAnswered;
  response.status = 200;
  response.body = body;
  std::vector<Outcome> outcomes;
  for (const SendResult& result :
       ClassifyResendBatchResponse(response, messages, absl::UnixEpoch())) {
    outcomes.push_back(result.outcome);
  }
  return outcomes;
}

TEST(ResendBatchResponse, TheIdsBelongToTheItemsThatAreNotAmongTheErrors) {
  EXPECT_EQ(BatchOutcomes(R"({"data":[{"id":"a"},{"id":"b"}],"errors":[{"index":1}]})"),
            (std::vector<Outcome>{Outcome::kAccepted, Outcome::kRejected, Outcome::kAccepted}));
}

TEST(ResendBatchResponse, AnItemWithoutAnIdIsUnconfirmedAlone) {
  EXPECT_EQ(BatchOutcomes(R"({"data":[{"id":"a"},{},{"id":"c"}]})"),
            (std::vector<Outcome>{Outcome::kAccepted, Outcome::kUnconfirmed, Outcome::kAccepted}));
}

TEST(ResendBatchResponse, AnAnswerThatDoesNotAddUpLeavesAllUnconfirmed) {
  const std::vector<Outcome> unconfirmed(3, Outcome::kUnconfirmed);
  for (const char* body : {"", "<html>", "[]", "{}", R"({"data":{}})", R"({"data":[{"id":"a"}]})",
                           R"({"data":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]})",
                           R"({"data":[{"id":"a"},{"id":"b"}],"errors":[{"index":3}]})",
                           R"({"data":[{"id":"a"}],"errors":[{"index":1},{"index":1}]})",
                           R"({"data":[{"id":"a"},{"id":"b"}],"errors":[{"index":-1}]})",
                           R"({"data":[{"id":"a"},{"id":"b"}],"errors":["x"]})",
                           R"({"data":[{"id":"a"},{"id":"b"}],"errors":7})"}) {
    EXPECT_EQ(BatchOutcomes(body), unconfirmed) << body;
  }
}

}  // namespace
}  // namespace herald::providers
