// Who may call what, over all methods that the descriptors name.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include "google/protobuf/descriptor.h"
#include "herald/v1/contact_service.grpc.pb.h"
#include "herald/v1/delivery_event_service.grpc.pb.h"
#include "herald/v1/email_service.grpc.pb.h"
#include "herald/v1/template_service.grpc.pb.h"
#include "herald/v1/tenant_service.grpc.pb.h"
#include "server/rpc/method_policy.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

std::vector<std::string> AllMethods() {
  std::vector<std::string> methods;
  for (const google::protobuf::FileDescriptor* file :
       {v1::SendEmailRequest::descriptor()->file(), v1::Template::descriptor()->file(),
        v1::Tenant::descriptor()->file(), v1::DeliveryEvent::descriptor()->file(),
        v1::Contact::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        methods.push_back(absl::StrCat(service->full_name(), "/", service->method(m)->name()));
      }
    }
  }
  return methods;
}

class AccessTest : public ServerFixture {
 protected:
  // Calls any method, unary or streaming, with an empty request.
  grpc::Status Call(const std::string& method, const std::string& token) {
    auto context = As(token);
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    auto call = stub.PrepareCall(context.get(), "/" + method, &queue);
    grpc::Status status;
    call->StartCall(&queue);
    Step(queue);
    const grpc::Slice empty;
    call->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), &queue);
    Step(queue);
    call->Finish(&status, &queue);
    Step(queue);
    return status;
  }

  static void Step(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
};

TEST_F(AccessTest, EveryMethodHasAPolicyAndEveryPolicyAMethod) {
  std::vector<std::string> policies;
  for (const MethodPolicy& policy : AllMethodPolicies()) {
    policies.push_back(std::string(policy.method));
  }
  EXPECT_THAT(policies, ::testing::UnorderedElementsAreArray(AllMethods()));
}

TEST_F(AccessTest, NoMethodAnswersWithoutAToken) {
  Start();
  for (const std::string& method : AllMethods()) {
    const grpc::Status status = Call(method, "");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(Reason(status), "TOKEN_MISSING") << method;
  }
}

TEST_F(AccessTest, NoMethodAnswersAnUnknownToken) {
  Start();
  const std::string unknown =
      identity::FormatToken(storage::TokenMode::kLive, ApiTokenId{999}, identity::NewSecret());
  for (const std::string& method : AllMethods()) {
    const grpc::Status status = Call(method, unknown);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(Reason(status), "TOKEN_INVALID") << method;
  }
}

TEST_F(AccessTest, EveryMethodRefusesTheOtherKindsOfCaller) {
  Start();
  using Kind = identity::Caller::Kind;
  const std::map<Kind, std::string> tokens = {
      {Kind::kTenant, token_}, {Kind::kOperator, kOperatorToken}, {Kind::kSidecar, kSidecarToken}};
  const std::map<Kind, std::string> reasons = {{Kind::kTenant, "TENANT_ONLY"},
                                               {Kind::kOperator, "OPERATOR_ONLY"},
                                               {Kind::kSidecar, "SIDECAR_ONLY"}};
  for (const MethodPolicy& policy : AllMethodPolicies()) {
    for (const auto& [kind, token] : tokens) {
      if (kind == policy.kind) continue;
      const grpc::Status status = Call(std::string(policy.method), token);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << policy.method;
      EXPECT_EQ(Reason(status), reasons.at(policy.kind)) << policy.method;
    }
  }
}

TEST_F(AccessTest, EveryTenantMethodNeedsEachOfItsScopes) {
  Start();
  constexpr int kAll = storage::kScopeSend | storage::kScopeRead | storage::kScopeManage;
  const std::map<int, std::string> without = {
      {storage::kScopeSend, Issue(kAll & ~storage::kScopeSend)},
      {storage::kScopeRead, Issue(kAll & ~storage::kScopeRead)},
      {storage::kScopeManage, Issue(kAll & ~storage::kScopeManage)}};
  for (const MethodPolicy& policy : AllMethodPolicies()) {
    for (const auto& [scope, token] : without) {
      if ((policy.scopes & scope) == 0) continue;
      const grpc::Status status = Call(std::string(policy.method), token);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << policy.method;
      EXPECT_EQ(Reason(status), "SCOPE_MISSING") << policy.method;
    }
  }
}

TEST_F(AccessTest, ASuspendedTenantIsToldSo) {
  Start();
  storage::TenantUpdate update;
  update.suspended = true;
  ASSERT_TRUE(tenants_.UpdateTenant(tenant_, update, {}).ok());
  const grpc::Status status = Call("herald.v1.EmailService/SendEmail", token_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Reason(status), "TENANT_SUSPENDED");
}

}  // namespace
}  // namespace herald::rpc
