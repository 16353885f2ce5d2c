#include "server/status/status_details.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"

namespace herald {
namespace {

TEST(StatusDetails, CarriesReasonDomainAndMetadata) {
  const absl::Status status = MakeError(absl::StatusCode::kNotFound, "TEMPLATE_NOT_FOUND",
                                        "no template", {{"key", "welcome"}});
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo"))));
  EXPECT_EQ(info.reason(), "TEMPLATE_NOT_FOUND");
  EXPECT_EQ(info.domain(), "herald");
  EXPECT_EQ(info.metadata().at("key"), "welcome");
}

TEST(StatusDetails, BoundsTheViolations) {
  const absl::Status status =
      InvalidRequest(std::vector<FieldViolation>(100, {"recipient.email", "there is no @"}));
  google::rpc::BadRequest details;
  ASSERT_TRUE(details.ParseFromString(
      std::string(*status.GetPayload("type.googleapis.com/google.rpc.BadRequest"))));
  EXPECT_EQ(details.field_violations_size(), 20);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("and 99 more"));
}

TEST(StatusDetails, AddsMetadataAndKeepsAllElse) {
  const absl::Status error = FromStorage(absl::UnavailableError("away"));
  const absl::Status told =
      WithMetadata(WithMetadata(error, {{"stored_rows", "5"}}), {{"key", "welcome"}});
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(*told.GetPayload("type.googleapis.com/google.rpc.ErrorInfo"))));
  EXPECT_EQ(info.reason(), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(info.metadata().at("stored_rows"), "5");
  EXPECT_EQ(info.metadata().at("key"), "welcome");
  EXPECT_EQ(told.message(), error.message());
  EXPECT_EQ(RetryDelay(told), RetryDelay(error));
  EXPECT_EQ(Cause(told), "UNAVAILABLE: away");
}

TEST(StatusDetails, TellsWhenToRetry) {
  const absl::Status status = WithRetryDelay(absl::UnavailableError("x"), absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelay(status), absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelay(absl::UnavailableError("x")), absl::nullopt);
}

TEST(StatusDetails, HidesWhatAStoreSays) {
  EXPECT_EQ(ErrorReason(FromStorage(absl::UnavailableError("host 10.0.0.1"))),
            "STORAGE_UNAVAILABLE");
  for (const absl::Status& passing :
       {absl::AbortedError("lost a race"), absl::DeadlineExceededError("lock timeout")}) {
    EXPECT_EQ(FromStorage(passing).code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(RetryDelay(FromStorage(passing)).has_value());
  }
  const absl::Status internal = FromStorage(absl::DataLossError("row a@example.com"));
  EXPECT_EQ(internal.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(internal.message()), testing::Not(testing::HasSubstr("example.com")));
  EXPECT_TRUE(FromStorage(absl::OkStatus()).ok());
  EXPECT_EQ(Cause(internal), "DATA_LOSS: row a@example.com");
  EXPECT_EQ(Cause(FromStorage(internal)), Cause(internal));
  EXPECT_EQ(Cause(InvalidRequest({{"lane", "unknown"}})), "");
}

}  // namespace
}  // namespace herald
