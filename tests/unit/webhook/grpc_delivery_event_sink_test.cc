#include "server/webhook/grpc_delivery_event_sink.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "tests/unit/webhook/fake_heraldd.h"

namespace herald::webhook {
namespace {

class GrpcDeliveryEventSinkTest : public ::testing::Test {
 protected:
  GrpcDeliveryEventSinkTest() : sink_(To(heraldd_), [this] { return token_; }) {}

  static GrpcDeliveryEventSink::Options To(const FakeHeraldd& heraldd) {
    GrpcDeliveryEventSink::Options options;
    options.target = heraldd.target();
    return options;
  }

  static ReceivedEvent Bounce() {
    providers::DecodedEvent event;
    event.provider_event_id = "msg_1";
    event.type = EventType::kBounced;
    event.bounce_class = BounceClass::kHard;
    event.event_time = absl::FromUnixMillis(1614265330250);
    event.tenant_id = TenantId{2};
    event.email_id = EmailId{1};
    event.provider_message_id = "m-1";
    event.provider_type = "email.bounced";
    event.diagnostic = "550 5.1.1";
    return {"resend-main", event};
  }

  absl::Status Record(const std::vector<ReceivedEvent>& events) {
    absl::Status result;
    absl::Notification done;
    sink_.Record(events, [&](const absl::Status& status) {
      result = status;
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  absl::Status Ready() {
    absl::Status result;
    absl::Notification done;
    sink_.CheckReady([&](const absl::Status& status) {
      result = status;
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  absl::StatusOr<std::string> token_ = std::string("hk_sidecar");
  FakeHeraldd heraldd_;
  GrpcDeliveryEventSink sink_;
};

TEST_F(GrpcDeliveryEventSinkTest, SendsEveryField) {
  ASSERT_TRUE(Record({Bounce()}).ok());
  ASSERT_EQ(heraldd_.events().size(), 1u);
  std::string text;
  google::protobuf::TextFormat::PrintToString(heraldd_.events()[0], &text);
  EXPECT_EQ(text,
            "account: \"resend-main\"\nprovider_event_id: \"msg_1\"\ntype: EVENT_TYPE_BOUNCED\n"
            "bounce_class: BOUNCE_CLASS_HARD\nevent_time {\n  seconds: 1614265330\n"
            "  nanos: 250000000\n}\ntenant_id: \"tn_0000000000002\"\n"
            "email_id: \"em_0000000000001\"\nprovider_message_id: \"m-1\"\n"
            "provider_type: \"email.bounced\"\ndiagnostic: \"550 5.1.1\"\n");
}

TEST_F(GrpcDeliveryEventSinkTest, CarriesTheTokenAndADeadline) {
  ASSERT_TRUE(Record({Bounce()}).ok());
  EXPECT_EQ(heraldd_.authorization(), "Bearer hk_sidecar");
  EXPECT_LE(heraldd_.timeout(), absl::Seconds(5));
  token_ = std::string("hk_rotated");
  ASSERT_TRUE(Record({Bounce()}).ok());
  EXPECT_EQ(heraldd_.authorization(), "Bearer hk_rotated");
}

TEST_F(GrpcDeliveryEventSinkTest, RecordsNothingWithoutAToken) {
  token_ = absl::UnavailableError("no token");
  EXPECT_EQ(Record({Bounce()}).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(heraldd_.events().empty());
}

TEST_F(GrpcDeliveryEventSinkTest, PassesHeralddsVerdictOn) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::INVALID_ARGUMENT,
                          grpc::StatusCode::PERMISSION_DENIED}) {
    heraldd_.Fail(grpc::Status(code, "no"));
    EXPECT_EQ(static_cast<int>(Record({Bounce()}).code()), static_cast<int>(code));
  }
}

TEST_F(GrpcDeliveryEventSinkTest, IsUnavailableWithoutHeraldd) {
  heraldd_.Stop();
  EXPECT_EQ(Record({Bounce()}).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Ready().code(), absl::StatusCode::kUnavailable);
}

// Nobody sends webhooks to a sidecar that is not ready: it has to find out by itself.
TEST_F(GrpcDeliveryEventSinkTest, IsNotReadyUntilItsTokenIsTaken) {
  for (const auto code : {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED}) {
    heraldd_.Fail(grpc::Status(code, "no"));
    EXPECT_FALSE(Record({Bounce()}).ok());
    EXPECT_EQ(Ready().code(), absl::StatusCode::kUnavailable);
    heraldd_.Fail(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no events"));
    EXPECT_TRUE(Ready().ok());
  }
  EXPECT_TRUE(heraldd_.events().empty());
}

TEST_F(GrpcDeliveryEventSinkTest, IsNotReadyWithATokenThatWasNeverTaken) {
  heraldd_.Fail(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no"));
  EXPECT_EQ(Ready().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(heraldd_.authorization(), "Bearer hk_sidecar");
  token_ = absl::UnavailableError("no token");
  heraldd_.Fail(grpc::Status::OK);
  EXPECT_EQ(Ready().code(), absl::StatusCode::kUnavailable);
}

TEST_F(GrpcDeliveryEventSinkTest, IsReadyWhileHeralddServes) {
  EXPECT_TRUE(Ready().ok());
  heraldd_.Serving(false);
  EXPECT_EQ(Ready().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace herald::webhook
