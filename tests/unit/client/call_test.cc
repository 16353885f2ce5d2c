#include <gmock/gmock.h>

#include "tests/unit/client/client_fixture.h"

namespace herald::client {
namespace {

using CallTest = ClientTest;

TEST_F(CallTest, KeyMustBePrintableAndShort) {
  EXPECT_TRUE(IdempotencyKey::Create("order-confirmation:order_123").ok());
  EXPECT_TRUE(IdempotencyKey::Create(std::string(256, 'k')).ok());
  for (const std::string& bad :
       {std::string(), std::string(257, 'k'), std::string("a\nb"), std::string("caf\xc3\xa9")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(IdempotencyKey::Create(bad).status()));
  }
  static_assert(!std::is_default_constructible_v<IdempotencyKey>);
}

TEST_F(CallTest, EveryCallHasADeadlineAndTheToken) {
  const Client client = MakeClient();
  ASSERT_TRUE(client.SendEmail(Key(), {}).ok());
  ASSERT_TRUE(client.GetEmail({}).ok());
  ASSERT_TRUE(client.GetTenant({}).ok());
  ASSERT_TRUE(client.CreateTemplate({}).ok());
  for (const SeenCall& call : fake.seen()) {
    EXPECT_EQ(call.authorization, "Bearer secret-token") << call.method;
    EXPECT_GT(call.deadline, absl::Seconds(5)) << call.method;
    EXPECT_LE(call.deadline, absl::Seconds(10) * kWireRounding) << call.method;
  }
  EXPECT_EQ(calls(), 4u);
}

TEST_F(CallTest, CallOptionsReplaceTheDeadlineAndCarryTheTrace) {
  CallOptions options;
  options.deadline = absl::Seconds(100);
  options.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_TRUE(MakeClient().GetEmail({}, options).ok());
  EXPECT_GT(fake.seen()[0].deadline, absl::Seconds(90));
  EXPECT_EQ(fake.seen()[0].traceparent, options.traceparent);
}

TEST_F(CallTest, RefusesACallWithoutEnd) {
  CallOptions options;
  options.deadline = absl::InfiniteDuration();
  EXPECT_TRUE(absl::IsInvalidArgument(MakeClient().GetEmail({}, options).status()));
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallTest, TheKeyArgumentIsTheKeySent) {
  v1::SendEmailRequest request;
  request.set_idempotency_key("another");
  const auto result = MakeClient().SendEmail(Key(), request);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->email.idempotency_key(), "order:1");
  EXPECT_FALSE(result->replayed);
}

TEST_F(CallTest, ReplayedComesFromTheMetadata) {
  fake.replay = true;
  const auto result = MakeClient().SendEmail(Key(), {});
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->replayed);
}

TEST_F(CallTest, EachItemOfABatchHasItsOwnResult) {
  fake.on_send_many = [](const v1::SendEmailsRequest& request, v1::SendEmailsResponse* response) {
    EXPECT_EQ(request.emails(0).idempotency_key(), "a");
    EXPECT_EQ(request.emails(1).idempotency_key(), "b");
    auto* first = response->add_results();
    first->mutable_email()->set_id("em_1");
    first->set_replayed(true);
    const auto error = FakeError{grpc::FAILED_PRECONDITION, "no", "SENDER_NOT_ALLOWED"}.ToStatus();
    response->add_results()->mutable_error()->ParseFromString(error.error_details());
    return grpc::Status::OK;
  };
  std::vector<KeyedEmail> emails = {{IdempotencyKey::Create("a").value(), {}},
                                    {IdempotencyKey::Create("b").value(), {}}};
  const auto results = MakeClient().SendEmails(emails);
  ASSERT_TRUE(results.ok());
  ASSERT_EQ(results->size(), 2u);
  EXPECT_EQ((*results)[0]->email.id(), "em_1");
  EXPECT_TRUE((*results)[0]->replayed);
  EXPECT_TRUE(absl::IsFailedPrecondition((*results)[1].status()));
  EXPECT_EQ(ExtractErrorDetails((*results)[1].status()).reason, "SENDER_NOT_ALLOWED");
}

TEST_F(CallTest, ErrorDetailsAreDecoded) {
  fake.FailNext({grpc::INVALID_ARGUMENT,
                 "2 fields are wrong",
                 "INVALID_REQUEST",
                 {{"count", "2"}},
                 {{"recipient.email", "not an address"}, {"from.email", "missing"}},
                 absl::Milliseconds(1500)});
  const absl::Status status = MakeClient().SendEmail(Key(), {}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "2 fields are wrong");
  const ErrorDetails details = ExtractErrorDetails(status);
  EXPECT_EQ(details.reason, "INVALID_REQUEST");
  EXPECT_EQ(details.domain, "herald");
  EXPECT_EQ(details.metadata.at("count"), "2");
  ASSERT_EQ(details.violations.size(), 2u);
  EXPECT_EQ(details.violations[0].field, "recipient.email");
  EXPECT_EQ(details.violations[0].description, "not an address");
  EXPECT_EQ(details.retry_delay, absl::Milliseconds(1500));
}

TEST_F(CallTest, AStatusWithoutDetailsHasNone) {
  const ErrorDetails details = ExtractErrorDetails(absl::InternalError("plain"));
  EXPECT_EQ(details.reason, "");
  EXPECT_FALSE(details.retry_delay.has_value());
}

TEST_F(CallTest, HealthIsAskedWithoutRepeating) {
  EXPECT_TRUE(MakeClient().IsServing("").value());
  fake.serving = false;
  EXPECT_FALSE(MakeClient().IsServing("").value());
}

TEST_F(CallTest, CreateRefusesOptionsThatCannotWork) {
  const auto code = [](const ClientOptions& options) {
    return Client::Create(options).status().code();
  };
  ClientOptions options = Options();
  options.target = "";
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.token = "two words";
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.default_deadline = absl::InfiniteDuration();
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.tls.trust = TlsOptions::Trust::kCaFile;
  options.tls.ca_file = "/nonexistent/ca.pem";
  EXPECT_EQ(code(options), absl::StatusCode::kNotFound);
  options.tls.ca_file = "/";  // opens, but cannot be read
  const absl::Status directory = Client::Create(options).status();
  EXPECT_EQ(directory.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(directory.message(), "the CA file: cannot read /: Is a directory");
  options = Options();
  options.tls.trust = TlsOptions::Trust::kSystemRoots;
  options.tls.client_key_file = "key.pem";
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace herald::client
