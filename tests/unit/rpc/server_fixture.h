#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/identity/token.h"
#include "server/rpc/server.h"
#include "server/status/status_details.h"
#include "tests/support/fake_contact_store.h"
#include "tests/support/fake_segment_store.h"
#include "tests/unit/delivery/fake_account_health_store.h"
#include "tests/unit/delivery/fake_tenant_route_store.h"
#include "tests/unit/rpc/fakes/fake_acceptor.h"
#include "tests/unit/rpc/fakes/fake_delivery_event_store.h"
#include "tests/unit/rpc/fakes/fake_email_store.h"
#include "tests/unit/rpc/fakes/fake_template_store.h"
#include "tests/unit/rpc/fakes/fake_tenant_store.h"

namespace herald::rpc {

constexpr char kOperatorToken[] = "operator-token-0001";
constexpr char kSidecarToken[] = "sidecar-token-00001";

// Counts calls by code, and keeps what lay behind the last one of each.
class CountingObserver final : public CallObserver {
 public:
  void OnCall(absl::string_view, const absl::Status& status, absl::Duration) override {
    absl::MutexLock lock(&mu_);
    ++counts_[status.code()];
    causes_[status.code()] = Cause(status);
  }
  std::string cause(absl::StatusCode code) {
    absl::MutexLock lock(&mu_);
    return causes_[code];
  }
  int count(absl::StatusCode code) {
    absl::MutexLock lock(&mu_);
    return counts_[code];
  }
  void AwaitOne(absl::StatusCode code) {
    absl::MutexLock lock(&mu_);
    const auto counted = [this, code] { return counts_[code] > 0; };
    mu_.Await(absl::Condition(&counted));
  }

 private:
  absl::Mutex mu_;
  std::map<absl::StatusCode, int> counts_;
  std::map<absl::StatusCode, std::string> causes_;
};

// A real server on a real socket, above fakes.
class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() {
    storage::Tenant tenant;
    tenant.slug = "shop";
    tenant_ = tenants_.CreateTenant(tenant, {})->id;
    token_ = Issue(storage::kScopeSend | storage::kScopeRead | storage::kScopeManage);
  }

  ServerParts Parts() {
    return {emails_,
            templates_,
            tenants_,
            delivery_events_,
            accounts_,
            routes_,
            contacts_,
            segments_,
            emails_,
            contacts_,
            contact_ids_,
            catalog_,
            acceptor_,
            authenticator_,
            observer_,
            [this] { return ready_ ? absl::OkStatus() : absl::UnavailableError("away"); },
            [this] { return absl::Now() + absl::Hours(server_hours_ahead_.load()); },
            {storage::SecretKey::FromBytes("a key of thirty-two bytes: dots.")}};
  }

  void Start() {
    auto server = Server::Start(options_, Parts());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(Target(), grpc::InsecureChannelCredentials());
  }

  std::string Target() const { return absl::StrCat("127.0.0.1:", server_->port()); }

  std::string Issue(int scopes, storage::TokenMode mode = storage::TokenMode::kLive) {
    const std::string secret = identity::NewSecret();
    storage::ApiToken token;
    token.tenant = tenant_;
    token.mode = mode;
    token.scopes = scopes;
    token.secret_hash = identity::HashSecret(secret);
    return identity::FormatToken(token.mode, tenants_.CreateApiToken(token, {})->id, secret);
  }

  // A context with a token and a deadline that only a hanging test meets.
  std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    if (!token.empty()) context->AddMetadata("authorization", absl::StrCat("Bearer ", token));
    context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    return context;
  }

  FakeEmailStore emails_;
  FakeTemplateStore templates_;
  FakeTenantStore tenants_;
  FakeDeliveryEventStore delivery_events_;
  delivery::FakeAccountHealthStore accounts_;
  delivery::FakeTenantRouteStore routes_;
  support::FakeContactStore contacts_;
  support::FakeSegmentStore segments_;
  ContactIdGenerator contact_ids_{1};
  FakeAcceptor acceptor_;
  CountingObserver observer_;
  std::atomic<bool> ready_{true};
  std::atomic<int> server_hours_ahead_{0};  // of the server's clock
  catalog::TemplateCatalog catalog_{&templates_, {}, [] { return absl::Now(); }};
  // Tokens stay proven, so that no refresh takes a place in the executor unasked.
  identity::Authenticator authenticator_{tenants_,
                                         {{identity::HashText(kOperatorToken)},
                                          {identity::HashText(kSidecarToken)},
                                          absl::Hours(1),
                                          absl::Hours(1)},
                                         [] { return absl::Now(); }};
  ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  TenantId tenant_;
  std::string token_;
};

// The reason of an error from the wire; fails the test unless there is exactly one ErrorInfo of
// domain "herald".
std::string Reason(const grpc::Status& status);
// The metadata of its ErrorInfo.
std::map<std::string, std::string> Metadata(const grpc::Status& status);
// The fields of its BadRequest.
std::vector<std::string> Fields(const grpc::Status& status);

}  // namespace herald::rpc
