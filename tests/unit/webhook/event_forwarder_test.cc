#include "server/webhook/event_forwarder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/webhook/fake_sink.h"

namespace herald::webhook {
namespace {

using ::testing::ElementsAre;

std::vector<ReceivedEvent> Events(std::initializer_list<const char*> ids) {
  std::vector<ReceivedEvent> events;
  for (const char* id : ids) {
    events.push_back({"resend-main", {}});
    events.back().event.provider_event_id = id;
  }
  return events;
}

// One Forward whose answer can be awaited.
class Answer {
 public:
  EventForwarder::Done Done() {
    return [this](const absl::Status& status) {
      status_ = status;
      answered_.Notify();
    };
  }
  absl::StatusCode Code() {
    EXPECT_TRUE(answered_.WaitForNotificationWithTimeout(absl::Seconds(20)));
    return status_.code();
  }
  bool answered() const { return answered_.HasBeenNotified(); }

 private:
  absl::Status status_;
  absl::Notification answered_;
};

EventForwarder::Options OneCall() {
  EventForwarder::Options options;
  options.calls_max = 1;
  return options;
}

TEST(EventForwarder, SendsTheFirstEventAtOnce) {
  FakeSink sink;
  EventForwarder::Options options;
  options.linger = absl::Hours(1);
  EventForwarder forwarder(sink, options);
  Answer answer;
  forwarder.Forward(Events({"a"}), answer.Done());
  EXPECT_EQ(answer.Code(), absl::StatusCode::kOk);
  EXPECT_THAT(sink.AwaitCalls(1), ElementsAre(ElementsAre("a")));
}

TEST(EventForwarder, GathersWhatArrivesDuringACall) {
  FakeSink sink;
  EventForwarder forwarder(sink, OneCall());
  sink.Hold();
  Answer a, b, c;
  forwarder.Forward(Events({"a"}), a.Done());
  sink.AwaitCalls(1);
  forwarder.Forward(Events({"b"}), b.Done());
  forwarder.Forward(Events({"c"}), c.Done());
  EXPECT_FALSE(a.answered() || b.answered() || c.answered());
  sink.Release();
  EXPECT_EQ(a.Code(), absl::StatusCode::kOk);
  EXPECT_EQ(b.Code(), absl::StatusCode::kOk);
  EXPECT_EQ(c.Code(), absl::StatusCode::kOk);
  EXPECT_THAT(sink.AwaitCalls(2), ElementsAre(ElementsAre("a"), ElementsAre("b", "c")));
}

TEST(EventForwarder, DoesNotWaitLongForASlowCall) {
  FakeSink sink;
  EventForwarder forwarder(sink, {});
  sink.Hold();
  Answer a, b;
  forwarder.Forward(Events({"a"}), a.Done());
  sink.AwaitCalls(1);
  forwarder.Forward(Events({"b"}), b.Done());
  EXPECT_THAT(sink.AwaitCalls(2), ElementsAre(ElementsAre("a"), ElementsAre("b")));
  sink.Release();
}

TEST(EventForwarder, CutsBatchesAtTheirLimitAndAnswersAfterTheLast) {
  FakeSink sink;
  EventForwarder::Options options = OneCall();
  options.batch_events_max = 2;
  EventForwarder forwarder(sink, options);
  Answer answer;
  forwarder.Forward(Events({"a", "b", "c", "d", "e"}), answer.Done());
  EXPECT_EQ(answer.Code(), absl::StatusCode::kOk);
  EXPECT_THAT(sink.AwaitCalls(3),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d"), ElementsAre("e")));
}

TEST(EventForwarder, PassesAFailureToEveryRequestOfTheBatch) {
  FakeSink sink;
  EventForwarder forwarder(sink, OneCall());
  sink.Hold();
  Answer a, b, c;
  forwarder.Forward(Events({"a"}), a.Done());
  sink.AwaitCalls(1);
  forwarder.Forward(Events({"b"}), b.Done());
  forwarder.Forward(Events({"c"}), c.Done());
  sink.Fail(absl::UnavailableError("away"));
  sink.Release();
  EXPECT_EQ(a.Code(), absl::StatusCode::kOk);
  EXPECT_EQ(b.Code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(c.Code(), absl::StatusCode::kUnavailable);
}

TEST(EventForwarder, SparesTheNeighboursOfAnEventThatIsRefusedForGood) {
  FakeSink sink;
  sink.Poison("bad");
  EventForwarder forwarder(sink, OneCall());
  sink.Hold();
  Answer first, good, bad, other;
  forwarder.Forward(Events({"first"}), first.Done());
  sink.AwaitCalls(1);
  forwarder.Forward(Events({"good"}), good.Done());
  forwarder.Forward(Events({"bad"}), bad.Done());
  forwarder.Forward(Events({"other"}), other.Done());
  sink.Release();
  EXPECT_EQ(good.Code(), absl::StatusCode::kOk);
  EXPECT_EQ(bad.Code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(other.Code(), absl::StatusCode::kOk);
}

TEST(EventForwarder, RefusesWhatDoesNotFitInTheQueue) {
  FakeSink sink;
  EventForwarder::Options options = OneCall();
  options.queue_events_max = 2;
  EventForwarder forwarder(sink, options);
  sink.Hold();
  Answer running, waiting, refused;
  forwarder.Forward(Events({"a"}), running.Done());
  sink.AwaitCalls(1);
  forwarder.Forward(Events({"b", "c"}), waiting.Done());
  forwarder.Forward(Events({"d"}), refused.Done());
  EXPECT_EQ(refused.Code(), absl::StatusCode::kResourceExhausted);
  sink.Release();
  EXPECT_EQ(waiting.Code(), absl::StatusCode::kOk);
}

TEST(EventForwarder, AnswersEverythingBeforeItIsGone) {
  FakeSink sink;
  std::vector<std::unique_ptr<Answer>> answers;
  {
    EventForwarder forwarder(sink, {});
    for (int i = 0; i < 100; ++i) {
      answers.push_back(std::make_unique<Answer>());
      forwarder.Forward(Events({"x", "y"}), answers.back()->Done());
    }
  }
  for (const auto& answer : answers) EXPECT_TRUE(answer->answered());
}

}  // namespace
}  // namespace herald::webhook
