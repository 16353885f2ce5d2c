// Requests that no client library would make: a precise status, and nothing stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/raw_call.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr char kSendEmail[] = "herald.v1.EmailService/SendEmail";

class Hostile : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(tenant_.api().ListEmails({})->emails_size(), 0) << "something was stored";
    EXPECT_OK(tenant_.api().SendEmail(NewKey(), tenant_.EmailTo("delivered")))
        << "the server does not go on";
  }
  v1::SendEmailRequest Email() const {
    v1::SendEmailRequest request = tenant_.EmailTo("delivered");
    request.set_idempotency_key("hostile");
    return request;
  }
  absl::Status StatusOf(const v1::SendEmailRequest& request) const {
    return Send({kSendEmail, request.SerializeAsString(), tenant_.token(), {}}).status;
  }

  const Tenant tenant_{"hostile"};
};

TEST_F(Hostile, WithoutATokenNothingIsDone) {
  const auto answer = Send({kSendEmail, Email().SerializeAsString(), "", {}});
  EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(ReasonOf(answer.status), "TOKEN_MISSING");
}

TEST_F(Hostile, ForgedTokensAreAllEquallyInvalid) {
  std::string altered = tenant_.token();
  altered.back() = altered.back() == 'A' ? 'B' : 'A';
  for (const std::string& token :
       {altered, tenant_.token().substr(0, 20), std::string("' OR 1=1 --"), std::string(4000, 'x'),
        absl::StrCat(tenant_.token(), tenant_.token())}) {
    const auto answer = Send({kSendEmail, Email().SerializeAsString(), token, {}});
    EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kUnauthenticated));
    EXPECT_EQ(ReasonOf(answer.status), "TOKEN_INVALID");
  }
}

TEST_F(Hostile, BytesThatAreNoMessageAreRefused) {
  for (const std::string& bytes :
       {std::string(100, '\xff'), std::string("\x0a\xff\xff\xff\xff\x0f"),
        Email().SerializeAsString().substr(0, 30)}) {
    const auto answer = Send({kSendEmail, bytes, tenant_.token(), {}});
    // gRPC's own word for it, before the method is reached.
    EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kInternal, HasSubstr("parse")));
  }
}

TEST_F(Hostile, AnEmptyMessageIsToldWhatItLacks) {
  const absl::Status status = StatusOf({});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReasonOf(status), "INVALID_REQUEST");
  EXPECT_THAT(ViolatedFields(status),
              UnorderedElementsAre("idempotency_key", "recipient.email", "from.email", "content"));
}

TEST_F(Hostile, AMessageOverTheLimitIsRefusedUnread) {
  v1::SendEmailRequest request = Email();
  request.mutable_inline_()->set_text(std::string(17 << 20, 'x'));
  EXPECT_THAT(StatusOf(request), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(Hostile, ContentOverTheLimitIsNamed) {
  v1::SendEmailRequest request = Email();
  request.mutable_inline_()->set_text(std::string((1 << 20) + 1, 'x'));
  const absl::Status status = StatusOf(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ViolatedFields(status), ElementsAre("inline.text"));
}

TEST_F(Hostile, MetadataOverTheLimitIsRefused) {
  const auto answer = Send({kSendEmail,
                            Email().SerializeAsString(),
                            tenant_.token(),
                            {{"x-filler", std::string(64 << 10, 'x')}}});
  EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(Hostile, HeadersCannotBeInjected) {
  v1::SendEmailRequest request = Email();
  request.mutable_recipient()->set_email("delivered@sandbox.herald.test\r\nBcc: eve@example.com");
  request.mutable_recipient()->set_name("Ada\r\nBcc: eve@example.com");
  request.mutable_from()->set_name("Shop\nX: y");
  request.mutable_inline_()->set_subject("Hello\r\nBcc: eve@example.com");
  (*request.mutable_headers())["X-A\r\nBcc"] = "eve@example.com";
  const absl::Status status = StatusOf(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ViolatedFields(status).size(), 5u);
  EXPECT_EQ(status.ToString().find("eve"), std::string::npos) << "the error repeats an address";
}

TEST_F(Hostile, VariablesNestedTooDeepAreRefused) {
  v1::SendEmailRequest request = Email();
  auto* at = request.mutable_variables();
  for (int i = 0; i < 20; ++i) at = (*at->mutable_fields())["a"].mutable_struct_value();
  const absl::Status status = StatusOf(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ViolatedFields(status), ElementsAre("variables"));
}

TEST_F(Hostile, TextThatIsNotUtf8OrHasANulIsRefused) {
  v1::SendEmailRequest request = Email();
  (*request.mutable_metadata())["note"] = std::string("a\0b", 3);
  EXPECT_THAT(StatusOf(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(Hostile, AnUnknownMethodIsUnimplemented) {
  const auto answer = Send({"herald.v1.EmailService/DropTables", "", tenant_.token(), {}});
  EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(Hostile, ATenantCannotReportDeliveryEvents) {
  const auto answer =
      Send({"herald.v1.DeliveryEventService/RecordDeliveryEvents", "", tenant_.token(), {}});
  EXPECT_THAT(answer.status, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(ReasonOf(answer.status), "SIDECAR_ONLY");
}

}  // namespace
}  // namespace herald::e2e
