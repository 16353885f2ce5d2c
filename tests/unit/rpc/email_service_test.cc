#include <gmock/gmock.h>

#include "herald/v1/email_service.grpc.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

class EmailServiceTest : public ServerFixture {
 protected:
  void SetUp() override {
    Start();
    stub_ = v1::EmailService::NewStub(channel_);
  }

  grpc::Status List(const v1::ListEmailsRequest& request, v1::ListEmailsResponse& response) {
    auto context = As(token_);
    return stub_->ListEmails(context.get(), request, &response);
  }

  std::unique_ptr<v1::EmailService::Stub> stub_;
};

TEST_F(EmailServiceTest, SendEmailAnswersTheAcceptedEmailRedacted) {
  v1::SendEmailRequest request;
  request.set_idempotency_key("order:1");
  request.mutable_recipient()->set_email("anna@example.com");
  auto context = As(token_);
  v1::Email email;
  ASSERT_TRUE(stub_->SendEmail(context.get(), request, &email).ok());
  EXPECT_EQ(email.id(), FormatEmailId(EmailId{1}));
  EXPECT_EQ(email.idempotency_key(), "order:1");
  EXPECT_EQ(email.recipient().email(), "a***@example.com");
  EXPECT_EQ(email.state(), v1::Email::STATE_QUEUED);
  EXPECT_EQ(context->GetServerInitialMetadata().count("herald-replayed"), 0u);
}

TEST_F(EmailServiceTest, AReplayIsMarkedInTheMetadata) {
  acceptor_.Replay();
  auto context = As(token_);
  v1::Email email;
  ASSERT_TRUE(stub_->SendEmail(context.get(), {}, &email).ok());
  const auto& metadata = context->GetServerInitialMetadata();
  const auto found = metadata.find("herald-replayed");
  ASSERT_NE(found, metadata.end());
  EXPECT_EQ(found->second, "true");
}

TEST_F(EmailServiceTest, AValidTraceParentIsPassedOnAndABadOneIsNot) {
  const std::string trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  auto context = As(token_);
  context->AddMetadata("traceparent", "00-" + trace_id + "-00f067aa0ba902b7-01");
  v1::Email email;
  ASSERT_TRUE(stub_->SendEmail(context.get(), {}, &email).ok());
  EXPECT_EQ(email.trace_id(), trace_id);
  context = As(token_);
  context->AddMetadata("traceparent", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01");
  ASSERT_TRUE(stub_->SendEmail(context.get(), {}, &email).ok());
  EXPECT_EQ(email.trace_id(), "");
}

TEST_F(EmailServiceTest, SendEmailsAnswersEachItem) {
  v1::SendEmailsRequest request;
  request.add_emails()->mutable_recipient()->set_email("anna@example.com");
  request.add_emails();
  auto context = As(token_);
  v1::SendEmailsResponse response;
  ASSERT_TRUE(stub_->SendEmails(context.get(), request, &response).ok());
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_TRUE(response.results(0).has_email());
  EXPECT_EQ(response.results(1).error().code(), static_cast<int>(grpc::INVALID_ARGUMENT));
  EXPECT_EQ(response.results(1).error().details_size(), 2);
}

TEST_F(EmailServiceTest, SendEmailsRefusesNoneAndTooMany) {
  v1::SendEmailsRequest request;
  v1::SendEmailsResponse response;
  auto context = As(token_);
  EXPECT_THAT(Fields(stub_->SendEmails(context.get(), request, &response)),
              ::testing::ElementsAre("emails"));
  for (int i = 0; i < 1001; ++i) request.add_emails();
  context = As(token_);
  EXPECT_THAT(Fields(stub_->SendEmails(context.get(), request, &response)),
              ::testing::ElementsAre("emails"));
}

TEST_F(EmailServiceTest, GetEmailRedactsUnlessAskedAndAuditsTheRevealing) {
  emails_.Put(tenant_, EmailId{7}, "anna@example.com");
  v1::GetEmailRequest request;
  request.set_id(FormatEmailId(EmailId{7}));
  v1::Email email;
  auto context = As(token_);
  ASSERT_TRUE(stub_->GetEmail(context.get(), request, &email).ok());
  EXPECT_EQ(email.recipient().email(), "a***@example.com");
  EXPECT_EQ(email.metadata().at("order"), "42");
  const size_t audits = tenants_.audits().size();

  request.set_reveal_recipient(true);
  context = As(token_);
  ASSERT_TRUE(stub_->GetEmail(context.get(), request, &email).ok());
  EXPECT_EQ(email.recipient().email(), "anna@example.com");
  ASSERT_EQ(tenants_.audits().size(), audits + 1);
  EXPECT_EQ(tenants_.audits().back().action, "herald.v1.EmailService/GetEmail");
  EXPECT_EQ(tenants_.audits().back().target, request.id());

  context = As(Issue(storage::kScopeRead));
  EXPECT_EQ(Reason(stub_->GetEmail(context.get(), request, &email)), "SCOPE_MISSING");
}

TEST_F(EmailServiceTest, NothingIsRevealedThatCannotBeAudited) {
  emails_.Put(tenant_, EmailId{7}, "anna@example.com");
  v1::GetEmailRequest request;
  request.set_id(FormatEmailId(EmailId{7}));
  request.set_reveal_recipient(true);
  v1::Email email;
  ASSERT_TRUE(authenticator_.Load(token_).ok());
  tenants_.Fail(absl::UnavailableError("away"));
  auto context = As(token_);
  EXPECT_EQ(Reason(stub_->GetEmail(context.get(), request, &email)), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(email.recipient().email(), "");
}

TEST_F(EmailServiceTest, AnotherTenantsEmailDoesNotExist) {
  emails_.Put(TenantId{4711}, EmailId{7}, "anna@example.com");
  v1::CancelEmailRequest request;
  request.set_id(FormatEmailId(EmailId{7}));
  v1::Email email;
  auto context = As(token_);
  const grpc::Status status = stub_->CancelEmail(context.get(), request, &email);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Reason(status), "EMAIL_NOT_FOUND");
}

TEST_F(EmailServiceTest, ARefusedChangeSaysWhichPreconditionFailed) {
  emails_.Fail(absl::FailedPreconditionError("state"));
  v1::Email email;
  v1::CancelEmailRequest cancel;
  cancel.set_id(FormatEmailId(EmailId{1}));
  auto context = As(token_);
  EXPECT_EQ(Reason(stub_->CancelEmail(context.get(), cancel, &email)), "EMAIL_NOT_CANCELLABLE");
  v1::RescheduleEmailRequest reschedule;
  reschedule.set_id(cancel.id());
  reschedule.mutable_send_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  context = As(token_);
  EXPECT_EQ(Reason(stub_->RescheduleEmail(context.get(), reschedule, &email)),
            "EMAIL_NOT_RESCHEDULABLE");
  v1::RedriveEmailRequest redrive;
  redrive.set_id(cancel.id());
  context = As(token_);
  EXPECT_EQ(Reason(stub_->RedriveEmail(context.get(), redrive, &email)), "EMAIL_NOT_DEAD");
}

TEST_F(EmailServiceTest, RescheduleNamesEveryBadField) {
  v1::RescheduleEmailRequest request;
  v1::Email email;
  auto context = As(token_);
  EXPECT_THAT(Fields(stub_->RescheduleEmail(context.get(), request, &email)),
              ::testing::ElementsAre("id", "send_time"));
  request.set_id(FormatEmailId(EmailId{1}));
  request.mutable_send_time()->set_seconds(
      absl::ToUnixSeconds(absl::Now() + absl::Hours(367 * 24)));
  context = As(token_);
  EXPECT_THAT(Fields(stub_->RescheduleEmail(context.get(), request, &email)),
              ::testing::ElementsAre("send_time"));
}

TEST_F(EmailServiceTest, ListPagesNewestFirstWithoutGapOrRepeat) {
  for (int i = 1; i <= 5; ++i) emails_.Put(tenant_, EmailId{i}, "anna@example.com");
  v1::ListEmailsRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  do {
    v1::ListEmailsResponse response;
    ASSERT_TRUE(List(request, response).ok());
    for (const v1::Email& email : response.emails()) ids.push_back(email.id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ::testing::ElementsAre(FormatEmailId(EmailId{5}), FormatEmailId(EmailId{4}),
                                          FormatEmailId(EmailId{3}), FormatEmailId(EmailId{2}),
                                          FormatEmailId(EmailId{1})));
}

TEST_F(EmailServiceTest, APageTokenIsRefusedWhenTamperedOrShownToAnotherFilter) {
  for (int i = 1; i <= 3; ++i) emails_.Put(tenant_, EmailId{i}, "anna@example.com");
  v1::ListEmailsRequest request;
  request.set_page_size(1);
  request.mutable_filter()->set_category("receipts");
  v1::ListEmailsResponse response;
  ASSERT_TRUE(List(request, response).ok());
  const std::string token = response.next_page_token();
  ASSERT_FALSE(token.empty());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string tampered = token;
    tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
    request.set_page_token(tampered);
    const grpc::Status status = List(request, response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << i;
  }
  request.set_page_token(token);
  request.mutable_filter()->set_category("digests");
  EXPECT_THAT(Fields(List(request, response)), ::testing::ElementsAre("page_token"));
}

TEST_F(EmailServiceTest, ListNamesEveryBadFilterValue) {
  v1::ListEmailsRequest request;
  request.set_page_size(-1);
  request.mutable_filter()->set_recipient_email("nobody");
  request.mutable_filter()->add_states(static_cast<v1::Email::State>(99));
  request.mutable_filter()->set_lane(static_cast<v1::Lane>(99));
  request.mutable_filter()->mutable_create_time_to()->set_nanos(-1);
  v1::ListEmailsResponse response;
  EXPECT_THAT(Fields(List(request, response)),
              ::testing::ElementsAre("filter.recipient_email", "filter.states", "filter.lane",
                                     "filter.create_time_to", "page_size"));
}

TEST_F(EmailServiceTest, ListAsksTheStoreForTheNormalisedFilter) {
  v1::ListEmailsRequest request;
  request.mutable_filter()->set_recipient_email("Anna@EXAMPLE.com");
  request.mutable_filter()->add_states(v1::Email::STATE_DEAD);
  request.mutable_filter()->set_lane(v1::LANE_BULK);
  v1::ListEmailsResponse response;
  ASSERT_TRUE(List(request, response).ok());
  EXPECT_EQ(emails_.query().recipient_normalised, "anna@example.com");
  EXPECT_THAT(emails_.query().states, ::testing::ElementsAre(EmailState::kDead));
  EXPECT_EQ(emails_.query().lane, Lane::kBulk);
  EXPECT_EQ(emails_.query().limit, 51);
}

TEST_F(EmailServiceTest, RedriveEmailsTakesNoStatesAndABoundedLimit) {
  v1::RedriveEmailsRequest request;
  v1::RedriveEmailsResponse response;
  auto context = As(token_);
  ASSERT_TRUE(stub_->RedriveEmails(context.get(), request, &response).ok());
  EXPECT_EQ(response.redriven_count(), 2);
  EXPECT_EQ(emails_.query().limit, 1000);
  request.mutable_filter()->add_states(v1::Email::STATE_SENT);
  request.set_limit(10'001);
  context = As(token_);
  EXPECT_THAT(Fields(stub_->RedriveEmails(context.get(), request, &response)),
              ::testing::ElementsAre("filter.states", "limit"));
}

TEST_F(EmailServiceTest, ATestTokenRedrivesTestEmailsAlone) {
  const std::string token = Issue(storage::kScopeManage, storage::TokenMode::kTest);
  emails_.Put(tenant_, EmailId{1}, "anna@example.com");
  emails_.Put(tenant_, EmailId{2}, "anna@example.com", /*test=*/true);
  v1::RedriveEmailRequest one;
  v1::Email email;
  one.set_id(FormatEmailId(EmailId{1}));
  auto context = As(token);
  const grpc::Status refused = stub_->RedriveEmail(context.get(), one, &email);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Reason(refused), "REDRIVE_NOT_ALLOWED");
  one.set_id(FormatEmailId(EmailId{2}));
  context = As(token);
  EXPECT_TRUE(stub_->RedriveEmail(context.get(), one, &email).ok());
  one.set_id(FormatEmailId(EmailId{3}));
  context = As(token);
  EXPECT_EQ(Reason(stub_->RedriveEmail(context.get(), one, &email)), "EMAIL_NOT_FOUND");

  v1::RedriveEmailsResponse response;
  context = As(token);
  ASSERT_TRUE(stub_->RedriveEmails(context.get(), {}, &response).ok());
  EXPECT_TRUE(emails_.query().test_only);
  context = As(token_);
  ASSERT_TRUE(stub_->RedriveEmails(context.get(), {}, &response).ok());
  EXPECT_FALSE(emails_.query().test_only);
}

TEST_F(EmailServiceTest, ARestrictedTokenRedrivesNothing) {
  const std::string token = Issue(storage::kScopeManage, storage::TokenMode::kRestricted);
  emails_.Put(tenant_, EmailId{1}, "anna@example.com");
  v1::RedriveEmailRequest one;
  v1::Email email;
  one.set_id(FormatEmailId(EmailId{1}));
  auto context = As(token);
  EXPECT_EQ(Reason(stub_->RedriveEmail(context.get(), one, &email)), "REDRIVE_NOT_ALLOWED");
  v1::RedriveEmailsResponse response;
  context = As(token);
  const grpc::Status refused = stub_->RedriveEmails(context.get(), {}, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Reason(refused), "REDRIVE_NOT_ALLOWED");
}

TEST_F(EmailServiceTest, ListEmailEventsShowsTheTimeline) {
  emails_.Put(tenant_, EmailId{7}, "anna@example.com");
  emails_.Happen(EmailId{7}, EventType::kAccepted);
  emails_.Happen(EmailId{7}, EventType::kSent);
  v1::ListEmailEventsRequest request;
  request.set_email_id(FormatEmailId(EmailId{7}));
  v1::ListEmailEventsResponse response;
  auto context = As(token_);
  ASSERT_TRUE(stub_->ListEmailEvents(context.get(), request, &response).ok());
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.events(1).type(), v1::EVENT_TYPE_SENT);
}

}  // namespace
}  // namespace herald::rpc
