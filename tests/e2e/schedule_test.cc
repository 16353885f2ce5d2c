// Times: send_time, expire_time, cancel and reschedule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

class Schedule : public ::testing::Test {
 protected:
  v1::Email SendAt(absl::Time send_time) const {
    v1::SendEmailRequest request = tenant_.EmailTo("delivered");
    *request.mutable_send_time() = Timestamp(send_time);
    return tenant_.Send(request);
  }
  absl::StatusOr<v1::Email> Cancel(const std::string& id) const {
    v1::CancelEmailRequest request;
    request.set_id(id);
    return tenant_.api().CancelEmail(request);
  }
  absl::StatusOr<v1::Email> Reschedule(const std::string& id, absl::Time send_time) const {
    v1::RescheduleEmailRequest request;
    request.set_id(id);
    *request.mutable_send_time() = Timestamp(send_time);
    return tenant_.api().RescheduleEmail(request);
  }
  std::vector<v1::EventType> TypesOf(const std::string& id) const {
    std::vector<v1::EventType> types;
    for (const auto& event : tenant_.Timeline(id)) types.push_back(event.type());
    return types;
  }

  const Tenant tenant_{"schedule"};
};

TEST_F(Schedule, AnEmailIsNotSentBeforeItsTime) {
  const absl::Time send_time = absl::Now() + absl::Seconds(2);
  const v1::Email email = SendAt(send_time);
  EXPECT_EQ(email.state(), v1::Email::STATE_SCHEDULED);
  tenant_.Await(email.id(), v1::Email::STATE_DELIVERED);
  tenant_.AwaitEvent(email.id(), v1::EVENT_TYPE_SENT);
  const auto timeline = tenant_.Timeline(email.id());
  ASSERT_GE(timeline.size(), 3u);
  EXPECT_EQ(timeline[1].type(), v1::EVENT_TYPE_SCHEDULED);
  EXPECT_EQ(timeline[2].type(), v1::EVENT_TYPE_ATTEMPTED);
  EXPECT_GE(TimeOf(timeline[2].event_time()), send_time);
}

TEST_F(Schedule, ACancelledEmailIsNeverHandedOver) {
  const v1::Email email = SendAt(absl::Now() + absl::Seconds(2));
  ASSERT_OK_AND_ASSIGN(const v1::Email cancelled, Cancel(email.id()));
  EXPECT_EQ(cancelled.state(), v1::Email::STATE_CANCELLED);
  EXPECT_OK(Cancel(email.id()));  // again
  // One that is due after it, to know that its time has passed.
  tenant_.Await(SendAt(absl::Now() + absl::Seconds(3)).id(), v1::Email::STATE_DELIVERED);
  EXPECT_THAT(TypesOf(email.id()), ElementsAre(v1::EVENT_TYPE_ACCEPTED, v1::EVENT_TYPE_SCHEDULED,
                                               v1::EVENT_TYPE_CANCELLED));
  EXPECT_EQ(tenant_.Get(email.id()).attempt_count(), 0);
}

TEST_F(Schedule, AnEmailThatWasSentCannotBeCancelledOrRescheduled) {
  const v1::Email email = tenant_.SendTo("delivered");
  tenant_.Await(email.id(), v1::Email::STATE_DELIVERED);
  const auto cancelled = Cancel(email.id());
  EXPECT_THAT(cancelled, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(cancelled.status()), "EMAIL_NOT_CANCELLABLE");
  const auto moved = Reschedule(email.id(), absl::Now() + absl::Hours(1));
  EXPECT_THAT(moved, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ReasonOf(moved.status()), "EMAIL_NOT_RESCHEDULABLE");
}

TEST_F(Schedule, ARescheduledEmailGoesAtItsNewTime) {
  const v1::Email email = SendAt(absl::Now() + absl::Hours(3));
  const absl::Time send_time = absl::Now() + absl::Seconds(1);
  ASSERT_OK_AND_ASSIGN(const v1::Email moved, Reschedule(email.id(), send_time));
  EXPECT_EQ(moved.state(), v1::Email::STATE_SCHEDULED);
  tenant_.Await(email.id(), v1::Email::STATE_DELIVERED);
  const auto timeline = tenant_.Timeline(email.id());
  ASSERT_GE(timeline.size(), 4u);
  EXPECT_EQ(timeline[1].type(), v1::EVENT_TYPE_SCHEDULED);
  EXPECT_EQ(timeline[2].type(), v1::EVENT_TYPE_SCHEDULED);
  EXPECT_EQ(timeline[3].type(), v1::EVENT_TYPE_ATTEMPTED);
  EXPECT_GE(TimeOf(timeline[3].event_time()), send_time);
}

TEST_F(Schedule, AnEmailIsNotMovedBeyondItsExpiry) {
  v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  *request.mutable_send_time() = Timestamp(absl::Now() + absl::Hours(1));
  *request.mutable_expire_time() = Timestamp(absl::Now() + absl::Hours(2));
  const v1::Email email = tenant_.Send(request);
  const auto moved = Reschedule(email.id(), absl::Now() + absl::Hours(3));
  EXPECT_EQ(ReasonOf(moved.status()), "EMAIL_NOT_RESCHEDULABLE");
  EXPECT_EQ(tenant_.Get(email.id()).state(), v1::Email::STATE_SCHEDULED);
}

TEST_F(Schedule, AnEmailThatCannotBeSentInTimeExpires) {
  v1::SendEmailRequest request = tenant_.EmailTo("down");
  *request.mutable_expire_time() = Timestamp(absl::Now() + absl::Seconds(3));
  const v1::Email email = tenant_.Send(request);
  tenant_.Await(email.id(), v1::Email::STATE_EXPIRED);
  const auto types = TypesOf(email.id());
  EXPECT_EQ(types.front(), v1::EVENT_TYPE_ACCEPTED);
  EXPECT_EQ(types.back(), v1::EVENT_TYPE_EXPIRED);
}

TEST_F(Schedule, TimesThatCannotBeKeptAreRefused) {
  v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  *request.mutable_expire_time() = Timestamp(absl::Now() - absl::Seconds(1));
  EXPECT_THAT(ViolatedFields(tenant_.api().SendEmail(NewKey(), request).status()),
              ElementsAre("expire_time"));
  request = tenant_.EmailTo("delivered");
  *request.mutable_send_time() = Timestamp(absl::Now() + absl::Hours(24 * 400));
  EXPECT_THAT(ViolatedFields(tenant_.api().SendEmail(NewKey(), request).status()),
              ElementsAre("send_time"));
}

}  // namespace
}  // namespace herald::e2e
