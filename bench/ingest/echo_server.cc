// The echo of the ingest benchmark: the service's own gRPC shell with authentication, over an
// acceptor that answers at once. The difference to heraldd is acceptance itself: validation,
// template, hash, sealing, and the database.
//
// usage: bench-echo-server DSN
//   DSN  the database of the heraldd next to it, so that the same token opens both
//
// Prints "listening PORT" and serves until SIGTERM.
#include <signal.h>

#include <iostream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/acceptance/acceptor.h"
#include "server/catalog/template_catalog.h"
#include "server/identity/authenticator.h"
#include "server/rpc/server.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/account_health_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/contact_store.h"
#include "storage/postgres/delivery_event_store.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/segment_store.h"
#include "storage/postgres/template_store.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/tenant_route_store.h"
#include "storage/postgres/tenant_store.h"

namespace herald::bench {
namespace {

// Nothing here is sealed.
constexpr char kUnusedMasterKey[] = "unused:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

// Answers with an email of the size that acceptance would answer with.
class EchoAcceptor final : public acceptance::Acceptor {
 public:
  void Accept(std::shared_ptr<const identity::Caller> caller, const v1::SendEmailRequest& request,
              absl::string_view, absl::Time, Done done) override {
    done(Echo(*caller, request));
  }
  void AcceptMany(std::shared_ptr<const identity::Caller> caller,
                  const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                  absl::string_view, absl::Time, ManyDone done) override {
    std::vector<absl::StatusOr<acceptance::Accepted>> results;
    for (const v1::SendEmailRequest& request : requests) results.push_back(Echo(*caller, request));
    done(std::move(results));
  }
  void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                  const v1::SendEmailRequest& request, absl::string_view traceparent,
                  absl::Time deadline, Done done) override {
    Accept(std::move(caller), request, traceparent, deadline, std::move(done));
  }

 private:
  acceptance::Accepted Echo(const identity::Caller& caller, const v1::SendEmailRequest& request) {
    const absl::Time now = absl::Now();
    acceptance::Accepted accepted;
    storage::EmailRecord& email = accepted.email;
    email.tenant = caller.tenant;
    email.id = ids_.Next(now);
    email.category = request.category();
    email.template_key = request.template_().key();
    email.template_version = 1;
    email.recipient = request.recipient().email();
    email.user_id = request.recipient().user_id();
    email.from_address = request.from().email();
    email.from_name = request.from().name();
    email.idempotency_key = request.idempotency_key();
    email.metadata = {request.metadata().begin(), request.metadata().end()};
    email.create_time = email.update_time = now;
    email.expire_time = now + absl::Hours(24);
    return accepted;
  }

  EmailIdGenerator ids_{0};
};

class NoObserver final : public rpc::CallObserver {
 public:
  void OnCall(absl::string_view, const absl::Status&, absl::Duration) override {}
};

absl::Status Serve(const std::string& dsn, const sigset_t& signals) {
  const absl::StatusOr<storage::MasterKeys> keys = storage::MasterKeys::Parse(kUnusedMasterKey);
  if (!keys.ok()) return keys.status();
  storage::ConnectionPool pool({dsn, 2});
  storage::TenantKeys tenant_keys(pool, *keys);
  storage::PostgresTenantStore tenants(pool, tenant_keys);
  storage::PostgresTemplateStore templates(pool);
  storage::PostgresEmailStore emails(pool, tenant_keys);
  storage::PostgresDeliveryEventStore delivery_events(pool);
  storage::PostgresAccountHealthStore accounts(pool);
  storage::PostgresTenantRouteStore routes(pool);
  storage::PostgresContactStore contacts(pool, tenant_keys);
  storage::PostgresSegmentStore segments(pool);
  ContactIdGenerator contact_ids(0);
  identity::Authenticator authenticator(tenants, {}, absl::Now);
  catalog::TemplateCatalog catalog(&templates, {}, absl::Now);
  EchoAcceptor acceptor;
  NoObserver observer;
  const auto server = rpc::Server::Start(
      rpc::ServerOptions{},
      {emails, templates, tenants, delivery_events, accounts, routes, contacts, segments, emails,
       contacts, contact_ids, catalog, acceptor, authenticator, observer,
       [] { return absl::OkStatus(); }, absl::Now, keys->DeriveKeys("page tokens")});
  if (!server.ok()) return server.status();
  std::cout << "listening " << (*server)->port() << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return absl::OkStatus();
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bench-echo-server DSN\n";
    return 2;
  }
  // Debian builds Abseil to look for deadlocks at every lock of a Mutex, gRPC's included;
  // heraldd turns that off too.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Before any thread starts, so that all of them leave the signal to Serve.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const absl::Status status = herald::bench::Serve(argv[1], signals);
  if (status.ok()) return 0;
  std::cerr << "bench-echo-server: " << status.message() << "\n";
  return 1;
}
