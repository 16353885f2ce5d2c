#include "server/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "server/rpc/admission.h"
#include "server/rpc/completion_loop.h"
#include "server/rpc/contact_service.h"
#include "server/rpc/delivery_event_service.h"
#include "server/rpc/email_service.h"
#include "server/rpc/executor.h"
#include "server/rpc/last_answers.h"
#include "server/rpc/page_token.h"
#include "server/rpc/readiness.h"
#include "server/rpc/search_executor.h"
#include "server/rpc/server_credentials.h"
#include "server/rpc/template_service.h"
#include "server/rpc/tenant_service.h"
#include "server/rpc/watch_hub.h"

namespace herald::rpc {
namespace {

// Calls of each method that wait to be filled, per queue: enough that a burst is read without a
// pause, few enough that idle memory stays small.
constexpr int kPostedCalls = 8;

// How long a draining connection's last answer is held back: some round trips within a data centre.
constexpr absl::Duration kQuietBeforeTheLast = absl::Milliseconds(50);

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

void SetLimits(const ServerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.message_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.metadata_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.streams_per_connection_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Millis(options.connection_age_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             Millis(options.connection_age_grace));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Millis(options.keepalive_interval_min));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two servers on one port would split the callers between them unseen.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("herald");
  quota.Resize(static_cast<size_t>(options.memory_bytes_max));
  builder.SetResourceQuota(quota);
}

void EnableHealthAndReflection() {
  static const bool enabled = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // The built-in health service registers no descriptor; naming it links ours in.
    return grpc::health::v1::HealthCheckRequest::descriptor() != nullptr;
  }();
  (void)enabled;
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, const ServerParts& parts)
      : admission_(options.calls_in_flight_max),
        executor_(options.executor_threads, static_cast<size_t>(options.executor_queue_max)),
        searches_(options.search_threads, static_cast<size_t>(options.searches_waiting_max)),
        shell_{parts.authenticator, executor_,      searches_,  admission_,
               last_answers_,       parts.observer, parts.clock},
        tokens_(parts.page_token_keys),
        hub_(parts.emails, executor_, tokens_, options.watch) {
    served_.push_back(std::make_unique<EmailService>(
        parts.emails, parts.searched_emails, parts.tenants, parts.acceptor, tokens_, hub_, shell_));
    served_.push_back(std::make_unique<TemplateService>(
        parts.templates, parts.catalog, parts.acceptor, tokens_, parts.render_limits));
    served_.push_back(std::make_unique<TenantService>(
        parts.tenants, parts.accounts, parts.routes, tokens_, parts.clock,
        SuppressionMethods(parts.preferences, parts.tenants, tokens_, parts.clock)));
    served_.push_back(std::make_unique<DeliveryEventService>(
        parts.delivery_events, UnsubscribeMethods(parts.preferences, parts.tenants, parts.clock)));
    served_.push_back(std::make_unique<ContactService>(
        AudienceParts{parts.contacts, parts.searched_contacts, parts.segments, parts.tenants,
                      parts.contact_ids, tokens_, shell_, draining_, parts.preferences}));
  }

  ~Impl() { Drain(absl::Now()); }

  absl::Status Start(const ServerOptions& options, const ServerParts& parts) {
    auto credentials = MakeCredentials(options.tls);
    if (!credentials.ok()) return credentials.status();
    EnableHealthAndReflection();
    grpc::ServerBuilder builder;
    SetLimits(options, builder);
    builder.AddListeningPort(options.listen_address, *credentials, &port_);
    for (const auto& service : served_) builder.RegisterService(&service->grpc_service());
    for (int i = 0; i < options.polling_threads; ++i) {
      loops_.push_back(std::make_unique<CompletionLoop>(builder.AddCompletionQueue()));
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen_address));
    }
    ReportHealth(false);
    for (const auto& loop : loops_) {
      for (const auto& service : served_) {
        service->methods().Post(shell_, *loop, kPostedCalls);
      }
      loop->Start();
    }
    readiness_ = std::make_unique<Readiness>(options.readiness_interval, parts.ping,
                                             [this](bool ready) { ReportHealth(ready); });
    return absl::OkStatus();
  }

  int port() const { return port_; }

  void Drain(absl::Time deadline) {
    absl::MutexLock lock(&drain_mu_);
    if (drained_) return;
    drained_ = true;
    if (readiness_ != nullptr) readiness_->Stop();
    draining_ = true;
    hub_.Stop();
    if (server_ != nullptr) {
      last_answers_.Start();
      server_->Shutdown(absl::ToChronoTime(deadline));
      last_answers_.Stop();
      // A cancelled call is off the wire, but its work may still be going on.
      admission_.WaitEmpty();
    }
    executor_.Stop();
    searches_.Stop();
    for (const auto& loop : loops_) loop->Stop();
    server_.reset();
  }

 private:
  void ReportHealth(bool serving) {
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    health->SetServingStatus(serving);  // all known names, "" among them
    health->SetServingStatus("", serving);
    for (const auto& service : served_) health->SetServingStatus(service->name(), serving);
  }

  Admission admission_;
  Executor executor_;
  SearchExecutor searches_;
  LastAnswers last_answers_{kQuietBeforeTheLast};
  CallShell shell_;
  const PageTokens tokens_;
  WatchHub hub_;
  std::atomic<bool> draining_{false};
  std::vector<std::unique_ptr<Served>> served_;
  std::vector<std::unique_ptr<CompletionLoop>> loops_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::unique_ptr<Readiness> readiness_;
  absl::Mutex drain_mu_;
  bool drained_ ABSL_GUARDED_BY(drain_mu_) = false;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const ServerParts& parts) {
  auto impl = std::make_unique<Impl>(options, parts);
  if (absl::Status started = impl->Start(options, parts); !started.ok()) return started;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() = default;

int Server::port() const { return impl_->port(); }

void Server::Drain(absl::Time deadline) { impl_->Drain(deadline); }

}  // namespace herald::rpc
