#include <gmock/gmock.h>

#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/client/client_fixture.h"

namespace herald::client {
namespace {

using testing::ElementsAre;

// A feed of events 1, 2, 3, …, whose cursor is the number of the last one.
class WatchTest : public ClientTest {
 protected:
  // Writes one batch of two events; false when nobody listens any more.
  static bool WriteTwo(int first, grpc::ServerWriter<v1::WatchEmailEventsResponse>& writer) {
    v1::WatchEmailEventsResponse batch;
    batch.add_events()->set_email_id(absl::StrCat(first));
    batch.add_events()->set_email_id(absl::StrCat(first + 1));
    batch.set_cursor(absl::StrCat(first + 1));
    return writer.Write(batch);
  }

  static int After(const v1::WatchEmailEventsRequest& request) {
    int last = 0;
    (void)absl::SimpleAtoi(request.cursor(), &last);
    return last;
  }

  // Serves `batches` batches per stream and ends each stream with `status`.
  void ServeStreamsOf(int batches, const grpc::Status& status) {
    fake.on_watch = [this, batches, status](grpc::ServerContext&,
                                            const v1::WatchEmailEventsRequest& request,
                                            auto& writer) {
      requests.push_back(request.ShortDebugString());
      for (int i = 0; i < batches; ++i) WriteTwo(After(request) + 1 + 2 * i, writer);
      return status;
    };
  }

  absl::Status WatchUntil(size_t count, const WatchOptions& watch = {}) {
    return MakeClient().WatchEmailEvents(watch, [&](const v1::WatchEmailEventsResponse& batch) {
      for (const auto& event : batch.events()) events.push_back(event.email_id());
      return events.size() < count;
    });
  }

  std::vector<std::string> requests;  // one stream at a time
  std::vector<std::string> events;
};

TEST_F(WatchTest, ResumesFromTheLastCursorWithoutGaps) {
  ServeStreamsOf(1, Unavailable().ToStatus());
  EXPECT_TRUE(WatchUntil(6).ok());
  EXPECT_THAT(events, ElementsAre("1", "2", "3", "4", "5", "6"));
  ASSERT_GE(requests.size(), 3u);
  EXPECT_EQ(requests[0], "");
  EXPECT_EQ(requests[1], "cursor: \"2\"");
  EXPECT_EQ(requests[2], "cursor: \"4\"");
}

TEST_F(WatchTest, StartsWhereItIsTold) {
  ServeStreamsOf(1, Unavailable().ToStatus());
  WatchOptions watch;
  watch.cursor = "40";
  EXPECT_TRUE(WatchUntil(2, watch).ok());
  EXPECT_THAT(events, ElementsAre("41", "42"));
}

TEST_F(WatchTest, FromNowCountsOnlyUntilThereIsACursor) {
  ServeStreamsOf(1, Unavailable().ToStatus());
  WatchOptions watch;
  watch.from_now = true;
  EXPECT_TRUE(WatchUntil(4, watch).ok());
  EXPECT_THAT(requests, ElementsAre("from_now: true", "cursor: \"2\""));
}

TEST_F(WatchTest, WaitsLongerWhileNothingComesAndStartsOverWhenItDoes) {
  for (int i = 0; i < 3; ++i) fake.FailNext(Unavailable());
  ServeStreamsOf(1, Unavailable().ToStatus());
  EXPECT_TRUE(WatchUntil(4).ok());
  EXPECT_THAT(slept, ElementsAre(absl::Milliseconds(50), absl::Milliseconds(100),
                                 absl::Milliseconds(200), absl::Milliseconds(50)));
}

TEST_F(WatchTest, GoesOnWhenTheServerEndsTheStream) {
  ServeStreamsOf(1, grpc::Status::OK);
  EXPECT_TRUE(WatchUntil(4).ok());
  EXPECT_THAT(events, ElementsAre("1", "2", "3", "4"));
}

TEST_F(WatchTest, EndsWithAnyOtherError) {
  fake.FailNext({grpc::INVALID_ARGUMENT, "bad cursor", "INVALID_REQUEST"});
  const absl::Status status = WatchUntil(1);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(ExtractErrorDetails(status).reason, "INVALID_REQUEST");
}

TEST_F(WatchTest, GivesUpWhenItsPatienceEnds) {
  for (int i = 0; i < 9; ++i) fake.FailNext(Unavailable());
  WatchOptions watch;
  watch.patience = absl::Milliseconds(200);
  EXPECT_TRUE(absl::IsUnavailable(WatchUntil(1, watch)));
  EXPECT_THAT(slept, ElementsAre(absl::Milliseconds(50), absl::Milliseconds(100)));
}

TEST_F(WatchTest, OpensANewStreamWhenTheLifetimeOfOneIsOver) {
  fake.on_watch = [this](grpc::ServerContext& context, const v1::WatchEmailEventsRequest& request,
                         auto& writer) {
    requests.push_back(request.ShortDebugString());
    WriteTwo(After(request) + 1, writer);
    const bool is_first = requests.size() == 1;
    while (is_first && !context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "over");
  };
  WatchOptions watch;
  watch.stream_lifetime = absl::Milliseconds(300);
  EXPECT_TRUE(WatchUntil(4, watch).ok());
  EXPECT_THAT(events, ElementsAre("1", "2", "3", "4"));
  EXPECT_TRUE(slept.empty());
}

TEST_F(WatchTest, AnotherThreadCanEndIt) {
  absl::Notification open;
  fake.on_watch = [&open](grpc::ServerContext& context, const v1::WatchEmailEventsRequest&,
                          auto& writer) {
    WriteTwo(1, writer);
    open.Notify();
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::CANCELLED;
  };
  Cancellation cancellation;
  WatchOptions watch;
  watch.cancellation = &cancellation;
  std::thread canceller([&] {
    open.WaitForNotification();
    cancellation.Cancel();
  });
  EXPECT_TRUE(absl::IsCancelled(WatchUntil(100, watch)));
  canceller.join();
}

}  // namespace
}  // namespace herald::client
