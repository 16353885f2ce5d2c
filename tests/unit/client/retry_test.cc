#include <gmock/gmock.h>

#include "tests/unit/client/client_fixture.h"

namespace herald::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using RetryTest = ClientTest;

TEST_F(RetryTest, TriesAgainOnUnavailableWithGrowingWaits) {
  for (int i = 0; i < 3; ++i) fake.FailNext(Unavailable());
  EXPECT_TRUE(MakeClient().SendEmail(Key(), {}).ok());
  EXPECT_EQ(calls(), 4u);
  EXPECT_THAT(
      slept, ElementsAre(absl::Milliseconds(50), absl::Milliseconds(100), absl::Milliseconds(200)));
}

TEST_F(RetryTest, WaitsStayUnderTheMaximum) {
  ClientOptions options = Options();
  options.default_deadline = absl::Minutes(1);
  options.retry = {absl::Seconds(4), absl::Seconds(5)};
  for (int i = 0; i < 3; ++i) fake.FailNext(Unavailable());
  EXPECT_TRUE(Client::Create(options)->GetEmail({}).ok());
  EXPECT_THAT(slept, ElementsAre(absl::Seconds(2), absl::Seconds(2.5), absl::Seconds(2.5)));
}

TEST_F(RetryTest, TakesNoOtherCodeForTransient) {
  const Client client = MakeClient();
  for (const grpc::StatusCode code :
       {grpc::INTERNAL, grpc::RESOURCE_EXHAUSTED, grpc::ABORTED, grpc::UNKNOWN, grpc::CANCELLED,
        grpc::DEADLINE_EXCEEDED, grpc::ALREADY_EXISTS}) {
    fake.FailNext({code, "no", "SOME_REASON", {}, {}, absl::Milliseconds(10)});
    EXPECT_EQ(static_cast<int>(client.SendEmail(Key(), {}).status().code()), code);
  }
  EXPECT_EQ(calls(), 7u);
  EXPECT_THAT(slept, IsEmpty());
}

TEST_F(RetryTest, WaitsAtLeastAsLongAsTheServerAsks) {
  fake.FailNext({grpc::UNAVAILABLE, "db away", "DATABASE_AWAY", {}, {}, absl::Seconds(2)});
  fake.FailNext(Unavailable());
  EXPECT_TRUE(MakeClient().SendEmail(Key(), {}).ok());
  EXPECT_THAT(slept, ElementsAre(absl::Milliseconds(2050), absl::Milliseconds(100)));
}

TEST_F(RetryTest, EndsWithinTheDeadlineOfTheCall) {
  // 4.05 s and 4.1 s pass; a third wait would end after the 10 s.
  for (int i = 0; i < 9; ++i) {
    fake.FailNext({grpc::UNAVAILABLE, "db away", "DATABASE_AWAY", {}, {}, absl::Seconds(4)});
  }
  const absl::Status status = MakeClient().SendEmail(Key(), {}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(ExtractErrorDetails(status).reason, "DATABASE_AWAY");
  EXPECT_THAT(slept, ElementsAre(absl::Milliseconds(4050), absl::Milliseconds(4100)));
  ASSERT_EQ(calls(), 3u);
  EXPECT_LE(fake.seen()[1].deadline, absl::Milliseconds(5950));
  EXPECT_LE(fake.seen()[2].deadline, absl::Milliseconds(1850));
}

TEST_F(RetryTest, DoesNotRepeatWhatIsNotSafeToRepeat) {
  const Client client = MakeClient();
  fake.FailNext(Unavailable());
  EXPECT_TRUE(absl::IsUnavailable(client.RedriveEmail({}).status()));
  fake.FailNext(Unavailable());
  EXPECT_TRUE(absl::IsUnavailable(client.CreateTemplate({}).status()));
  EXPECT_EQ(calls(), 2u);
  EXPECT_THAT(slept, IsEmpty());
}

TEST_F(RetryTest, FindsAServerThatIsNotThere) {
  ClientOptions options = Options();
  options.target = "127.0.0.1:1";
  EXPECT_TRUE(absl::IsUnavailable(Client::Create(options)->GetEmail({}).status()));
  EXPECT_GT(slept.size(), 3u);
}

}  // namespace
}  // namespace herald::client
