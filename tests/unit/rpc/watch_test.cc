#include <gmock/gmock.h>

#include "herald/v1/email_service.grpc.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

class WatchTest : public ServerFixture {
 protected:
  using Reader = std::unique_ptr<grpc::ClientReader<v1::WatchEmailEventsResponse>>;

  WatchTest() {
    options_.watch.poll_min = absl::Milliseconds(1);
    options_.watch.poll_max = absl::Milliseconds(20);
  }

  Reader Watch(grpc::ClientContext& context, const v1::WatchEmailEventsRequest& request) {
    return v1::EmailService::NewStub(channel_)->WatchEmailEvents(&context, request);
  }

  // The next message with events.
  v1::WatchEmailEventsResponse NextEvents(Reader& reader) {
    v1::WatchEmailEventsResponse message;
    while (message.events().empty() && reader->Read(&message)) {
    }
    return message;
  }
};

TEST_F(WatchTest, StreamsWhatHappenedAndWhatHappensThen) {
  emails_.Happen(EmailId{1}, EventType::kSent);
  Start();
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  EXPECT_EQ(NextEvents(reader).events(0).type(), v1::EVENT_TYPE_SENT);
  emails_.Happen(EmailId{1}, EventType::kDelivered);
  const v1::WatchEmailEventsResponse message = NextEvents(reader);
  ASSERT_EQ(message.events_size(), 1);
  EXPECT_EQ(message.events(0).type(), v1::EVENT_TYPE_DELIVERED);
  EXPECT_EQ(message.events(0).email_id(), FormatEmailId(EmailId{1}));
  context->TryCancel();
  reader->Finish();
}

TEST_F(WatchTest, ResumesAfterItsCursor) {
  emails_.Happen(EmailId{1}, EventType::kSent);
  Start();
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  v1::WatchEmailEventsRequest resume;
  resume.set_cursor(NextEvents(reader).cursor());
  context->TryCancel();
  reader->Finish();
  emails_.Happen(EmailId{2}, EventType::kBounced);
  context = As(token_);
  reader = Watch(*context, resume);
  const v1::WatchEmailEventsResponse message = NextEvents(reader);
  ASSERT_EQ(message.events_size(), 1);
  EXPECT_EQ(message.events(0).email_id(), FormatEmailId(EmailId{2}));
  context->TryCancel();
  reader->Finish();
}

TEST_F(WatchTest, FromNowLeavesOutWhatHappened) {
  emails_.Happen(EmailId{1}, EventType::kSent);
  Start();
  v1::WatchEmailEventsRequest request;
  request.set_from_now(true);
  auto context = As(token_);
  Reader reader = Watch(*context, request);
  v1::WatchEmailEventsResponse first;
  ASSERT_TRUE(reader->Read(&first));
  EXPECT_TRUE(first.events().empty());
  EXPECT_FALSE(first.cursor().empty());
  emails_.Happen(EmailId{2}, EventType::kSent);
  EXPECT_EQ(NextEvents(reader).events(0).email_id(), FormatEmailId(EmailId{2}));
  context->TryCancel();
  reader->Finish();
}

TEST_F(WatchTest, SendsItsCursorAsASignOfLife) {
  options_.watch.heartbeat = absl::Milliseconds(30);
  Start();
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  for (int i = 0; i < 3; ++i) {
    v1::WatchEmailEventsResponse message;
    ASSERT_TRUE(reader->Read(&message));
    EXPECT_TRUE(message.events().empty());
    EXPECT_FALSE(message.cursor().empty());
  }
  context->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(WatchTest, IsFedAlsoAfterTheClockWasSetBack) {
  options_.watch.heartbeat = absl::Milliseconds(30);
  server_hours_ahead_ = 1;
  Start();
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  v1::WatchEmailEventsResponse sign_of_life;
  ASSERT_TRUE(reader->Read(&sign_of_life));
  server_hours_ahead_ = 0;
  ASSERT_TRUE(reader->Read(&sign_of_life));
  emails_.Happen(EmailId{1}, EventType::kSent);
  EXPECT_EQ(NextEvents(reader).events_size(), 1);
  context->TryCancel();
  reader->Finish();
}

TEST_F(WatchTest, DeliversMoreThanAPageInOrder) {
  for (int i = 1; i <= 1200; ++i) emails_.Happen(EmailId{i}, EventType::kSent);
  Start();
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  int next = 1;
  while (next <= 1200) {
    const v1::WatchEmailEventsResponse message = NextEvents(reader);
    ASSERT_GT(message.events_size(), 0);
    ASSERT_LE(message.events_size(), 500);
    for (const v1::EmailEvent& event : message.events()) {
      ASSERT_EQ(event.email_id(), FormatEmailId(EmailId{next++}));
    }
  }
  context->TryCancel();
  reader->Finish();
}

TEST_F(WatchTest, RefusesACursorThatWasTamperedWith) {
  Start();
  v1::WatchEmailEventsRequest request;
  request.set_cursor("bm90IGEgY3Vyc29y");
  auto context = As(token_);
  Reader reader = Watch(*context, request);
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Fields(status), ::testing::ElementsAre("cursor"));
}

TEST_F(WatchTest, MayBeCancelledWhileItsTokenIsLookedUp) {
  Start();
  tenants_.Hold(true);
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  tenants_.AwaitFinds(1);
  context->TryCancel();
  observer_.AwaitOne(absl::StatusCode::kCancelled);  // the server's part of the call is gone
  tenants_.Hold(false);
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);

  context = As(token_);
  reader = Watch(*context, {});
  v1::WatchEmailEventsResponse message;
  EXPECT_TRUE(reader->Read(&message));
  context->TryCancel();
  reader->Finish();
}

TEST_F(WatchTest, RefusesStreamsOverTheLimit) {
  options_.watch.streams_max = 1;
  Start();
  auto first = As(token_);
  Reader one = Watch(*first, {});
  v1::WatchEmailEventsResponse message;
  ASSERT_TRUE(one->Read(&message));
  auto second = As(token_);
  Reader two = Watch(*second, {});
  const grpc::Status refused = two->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << "a client tries again";
  EXPECT_EQ(Reason(refused), "OVERLOADED");
  first->TryCancel();
  one->Finish();
}

TEST_F(WatchTest, EndsWithUnavailableWhenTheDatabaseIsAwayAndWhenDraining) {
  Start();
  auto context = As(token_);
  Reader reader = Watch(*context, {});
  v1::WatchEmailEventsResponse message;
  ASSERT_TRUE(reader->Read(&message));
  emails_.Fail(absl::UnavailableError("away"));
  EXPECT_EQ(Reason(reader->Finish()), "STORAGE_UNAVAILABLE");
  emails_.Fail(absl::OkStatus());

  context = As(token_);
  reader = Watch(*context, {});
  ASSERT_TRUE(reader->Read(&message));
  server_->Drain(absl::Now() + absl::Seconds(10));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(status), "DRAINING");
}

TEST_F(WatchTest, FeedsManyWatchesOfOneTenant) {
  Start();
  constexpr int kWatches = 20;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<Reader> readers;
  v1::WatchEmailEventsResponse message;
  for (int i = 0; i < kWatches; ++i) {
    contexts.push_back(As(token_));
    readers.push_back(Watch(*contexts.back(), {}));
    ASSERT_TRUE(readers.back()->Read(&message));
  }
  emails_.Happen(EmailId{1}, EventType::kSent);
  for (Reader& reader : readers) EXPECT_EQ(NextEvents(reader).events_size(), 1);
  for (auto& context : contexts) context->TryCancel();
  for (Reader& reader : readers) reader->Finish();
}

}  // namespace
}  // namespace herald::rpc
