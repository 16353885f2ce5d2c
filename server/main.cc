// heraldd: the composition root. It and provider_accounts.cc alone name concrete classes.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <thread>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "model/steady_time.h"
#include "server/acceptance/durable_acceptor.h"
#include "server/acceptance/group_committer.h"
#include "server/acceptance/limited_acceptor.h"
#include "server/acceptance/replaying_acceptor.h"
#include "server/background_duties.h"
#include "server/catalog/template_catalog.h"
#include "server/config/config.h"
#include "server/config/limits.h"
#include "server/delivery/account_router.h"
#include "server/delivery/engine.h"
#include "server/dev/dev_environment.h"
#include "server/dev/private_cluster.h"
#include "server/duties/periodic_duty.h"
#include "server/duties/rate_limit_duties.h"
#include "server/flags.h"
#include "server/identity/authenticator.h"
#include "server/limits/ingest_limiter.h"
#include "server/limits/tenant_limit_cache.h"
#include "server/ops/call_reporter.h"
#include "server/ops/delivery_reporter.h"
#include "server/ops/health_reporter.h"
#include "server/ops/ledger_reporter.h"
#include "server/ops/log.h"
#include "server/ops/metered_delivery_events.h"
#include "server/ops/metrics.h"
#include "server/ops/metrics_endpoint.h"
#include "server/preferences/category_catalog.h"
#include "server/preferences/unsubscribe_tokens.h"
#include "server/provider_accounts.h"
#include "server/rpc/executor.h"
#include "server/rpc/server.h"
#include "server/storage_set.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/migrations.h"

namespace herald {
namespace {

constexpr char kVersion[] = HERALD_VERSION;
constexpr absl::Duration kMigratePatience = absl::Seconds(60);
constexpr absl::Duration kMigratePause = absl::Seconds(1);
// How soon a database that follows a failover, with another clock, is followed.
constexpr absl::Duration kClockInterval = absl::Seconds(5);

using ops::Log;
using ops::Severity;

// Migrations wait for the database: a replica may start before it. kCancelled: one of `signals`,
// which are blocked, came while it waited.
absl::Status PrepareSchema(const config::Config& config, const sigset_t& signals) {
  const timespec pause = absl::ToTimespec(kMigratePause);
  const absl::Time deadline = absl::Now() + kMigratePatience;
  while (true) {
    const absl::Status status = config.migrate ? storage::Migrate(config.database_dsn)
                                               : storage::CheckSchema(config.database_dsn);
    if (!absl::IsUnavailable(status) || absl::Now() > deadline) return status;
    Log(Severity::kWarning, "database_unavailable", {{"reason", status.message()}});
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    if (signal < 0) continue;
    Log(Severity::kInfo, "stopped", {{"signal", signal}});
    return absl::CancelledError("a signal came before the database");
  }
}

double Uniform() {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

absl::StatusOr<identity::AuthenticatorOptions> AuthenticatorOptionsOf(
    const config::Config& config) {
  identity::AuthenticatorOptions options;
  for (const auto& [text, digests] : {std::pair(&config.operator_token, &options.operator_tokens),
                                      std::pair(&config.sidecar_token, &options.sidecar_tokens)}) {
    if (text->empty()) continue;
    absl::StatusOr<identity::Digest> digest = identity::ParseServiceToken(*text);
    if (!digest.ok()) return digest.status();
    digests->push_back(*digest);
  }
  return options;
}

rpc::ServerOptions ServerOptionsOf(const config::Config& config) {
  rpc::ServerOptions options;
  options.listen_address = config.listen.ToString();
  if (!config.tls.certificate.empty()) {
    options.tls = rpc::TlsFiles{config.tls.certificate, config.tls.key, config.tls.client_ca};
  }
  options.search_threads = config.search_connections;
  return options;
}

// Everything that runs in one process. Members are in the order in which they are built.
class Service {
 public:
  Service(const config::Config& config, storage::MasterKeys keys,
          identity::AuthenticatorOptions identity_options)
      : config_(config),
        storage_(config, std::move(keys)),
        authenticator_(storage_.tenants, std::move(identity_options), now_) {}

  absl::Status Start() {
    for (const auto step : {&Service::StartMetrics, &Service::StartClock, &Service::CheckOwnKey,
                            &Service::StartLimits, &Service::StartDelivery,
                            &Service::StartAcceptance, &Service::StartApi}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    if (config_.roles.duties) {
      duties_ = StartDuties({storage_.queue, storage_.chunks, storage_.maintenance,
                             storage_.history, config_.retention, storage_.limits, metrics_});
    }
    return absl::OkStatus();
  }

  // Takes no more calls, claims nothing more, waits for what is in flight.
  void Drain() {
    const absl::Time deadline = absl::Now() + config_.drain_grace;
    // Side by side: a stream that idles may take all of the time, which hand-overs need as well.
    bool empty = true;
    std::thread engine([&] { empty = engine_ == nullptr || engine_->Drain(deadline); });
    if (server_) server_->Drain(deadline);
    loader_.Stop();
    replay_lookups_.Stop();
    engine.join();
    // What is still in flight gets its outcome from the dying providers, and is recorded.
    providers_.accounts.clear();
    duties_.clear();
    health_duties_.clear();
    Log(Severity::kInfo, "stopped", {{"state", empty ? "finished" : "cut"}});
  }

  StorageSet& storage() { return storage_; }
  int port() const { return server_ ? server_->port() : 0; }

 private:
  absl::Status StartMetrics();
  absl::Status StartClock();
  absl::Status CheckOwnKey();
  absl::Status StartLimits();
  absl::Status StartDelivery();
  absl::Status StartAcceptance();
  absl::Status StartApi();
  void OnCommit(const std::vector<storage::NewEmail>& emails,
                const std::vector<storage::AcceptResult>& results);

  const config::Config& config_;
  StorageSet storage_;
  ops::ServiceMetrics metrics_{kVersion};
  std::unique_ptr<ops::MetricsEndpoint> metrics_endpoint_;
  // Of everything that a time in the database is compared with. What only lasts goes by SteadyNow.
  const std::function<absl::Time()> now_ = [this] { return storage_.clock.Now(); };
  std::unique_ptr<duties::PeriodicDuty> clock_duty_;
  catalog::TemplateCatalog catalog_{&storage_.templates, {}, SteadyNow};
  preferences::CategoryCatalog categories_{&storage_.categories, SteadyNow};
  const preferences::UnsubscribeTokens unsubscribe_tokens_{
      storage_.master_keys.DeriveSealer("unsubscribe tokens"), config_.unsubscribe.token_lifetime};
  const preferences::UnsubscribeLinks unsubscribe_links_{config_.unsubscribe.base_url,
                                                         unsubscribe_tokens_};

  limits::TenantLimitCache tenant_limits_{&storage_.tenants};
  std::unique_ptr<duties::PeriodicDuty> limit_refresh_;

  const delivery::Renderer renderer_{&catalog_, {}};
  delivery::RateLimiter critical_limiter_{config_.limits, &tenant_limits_,
                                          &storage_.critical_limits};
  delivery::RateLimiter limiter_{config_.limits, &tenant_limits_, &storage_.limits};
  ops::DeliveryReporter delivery_reporter_{&metrics_};
  ops::HealthReporter health_reporter_{&metrics_};
  std::unique_ptr<delivery::HealthBoard> board_;
  std::unique_ptr<delivery::RouteTable> route_table_;
  std::vector<std::unique_ptr<duties::PeriodicDuty>> health_duties_;
  std::unique_ptr<delivery::AccountRouter> router_;
  std::unique_ptr<delivery::Engine> engine_;
  ProviderAccounts providers_;  // after the engine: what is in flight needs it to the end

  // As much may wait for a lookup as for a commit.
  rpc::Executor loader_{2, limits::kAcceptanceQueueMax};
  // Apart, so that a flood of invalid requests holds up nobody else's valid ones.
  rpc::Executor replay_lookups_{1, limits::kReplayLookupsMax};
  std::unique_ptr<limits::IngestLimiter> ingest_limiter_;
  std::unique_ptr<EmailIdGenerator> ids_;
  std::unique_ptr<ContactIdGenerator> contact_ids_;
  std::unique_ptr<acceptance::GroupCommitter> committer_;
  std::unique_ptr<acceptance::DurableAcceptor> acceptor_;
  std::unique_ptr<acceptance::ReplayingAcceptor> replaying_acceptor_;
  std::unique_ptr<acceptance::LimitedAcceptor> limited_acceptor_;

  identity::Authenticator authenticator_;
  ops::MeteredDeliveryEvents delivery_events_{storage_.delivery_events, metrics_};
  ops::CallReporter call_reporter_{metrics_};
  std::unique_ptr<rpc::Server> server_;
  std::vector<std::unique_ptr<duties::PeriodicDuty>> duties_;
};

absl::Status Service::StartMetrics() {
  auto endpoint = ops::MetricsEndpoint::Start(config_.metrics_listen.host,
                                              config_.metrics_listen.port, metrics_.registry());
  if (!endpoint.ok()) return endpoint.status();
  metrics_endpoint_ = *std::move(endpoint);
  Log(Severity::kInfo, "metrics_listening", {{"port", metrics_endpoint_->port()}});
  return absl::OkStatus();
}

absl::Status Service::StartClock() {
  if (absl::Status status = storage_.clock.Measure(); !status.ok()) return status;
  clock_duty_ = std::make_unique<duties::PeriodicDuty>(
      "clock", kClockInterval,
      [this]() -> absl::StatusOr<bool> {
        if (absl::Status status = storage_.clock.Measure(); !status.ok()) return status;
        return false;
      },
      [this](const std::string&, const absl::Status& status) {
        metrics_.DatabaseError(status.code());
      });
  clock_duty_->Start();
  return absl::OkStatus();
}

// Every email needs the service's own key, and no waiting gives this process other master keys.
absl::Status Service::CheckOwnKey() {
  const absl::Status status = storage_.keys.ForService().status();
  if (!absl::IsFailedPrecondition(status) && !absl::IsDataLoss(status)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the service's own key does not open with the configured master_keys: ", status.message()));
}

absl::Status Service::StartLimits() {
  if (absl::Status status = tenant_limits_.Refresh(); !status.ok()) return status;
  limit_refresh_ = std::make_unique<duties::PeriodicDuty>(
      "tenant_limits", absl::Seconds(1), duties::RefreshLimitsRound(&tenant_limits_),
      [this](const std::string&, const absl::Status& status) {
        metrics_.DatabaseError(status.code());
      });
  limit_refresh_->Start();
  ingest_limiter_ = std::make_unique<limits::IngestLimiter>(
      config_.limits.ingest, &tenant_limits_, &storage_.ingest_limits,
      [this](std::function<void()> task) { return loader_.Submit(std::move(task)); }, SteadyNow);
  return absl::OkStatus();
}

absl::Status Service::StartDelivery() {
  if (!config_.roles.delivery) return absl::OkStatus();
  board_ = std::make_unique<delivery::HealthBoard>(HealthBoardOptions(config_),
                                                   &storage_.shared_health, &health_reporter_);
  absl::StatusOr<ProviderAccounts> providers =
      MakeProviderAccounts(config_, kVersion, board_.get());
  if (!providers.ok()) return providers.status();
  providers_ = *std::move(providers);
  route_table_ = std::make_unique<delivery::RouteTable>(config_.routes, &storage_.tenant_routes);
  router_ = std::make_unique<delivery::AccountRouter>(providers_.pointers(),
                                                      providers_.Find(config_.sandbox),
                                                      route_table_.get(), board_.get(), Uniform);
  health_duties_ = StartHealthDuties(
      *board_, *route_table_, [this](const std::string& name, const absl::Status& status) {
        metrics_.DatabaseError(status.code());
        Log(Severity::kWarning, "duty_failed", {{"duty", name}, {"reason", status.message()}});
      });
  delivery::DeliveryParts parts;
  parts.renderer = &renderer_;
  parts.router = router_.get();
  parts.unconfirmed_of = [this](TenantId tenant, Lane lane) {
    return route_table_->Unconfirmed(tenant, lane);
  };
  parts.observer = &delivery_reporter_;
  parts.clock = now_;
  parts.random = Uniform;
  parts.lease = config_.lease;
  parts.provider_timeout = config_.provider_timeout;
  std::map<Lane, delivery::Engine::LaneSetup> lanes;
  for (const auto& [lane, policy] : config_.lanes) {
    parts.store = lane == Lane::kCritical ? &storage_.critical_queue : &storage_.queue;
    parts.limiter = lane == Lane::kCritical ? &critical_limiter_ : &limiter_;
    parts.chunks = lane == Lane::kBulk ? &storage_.chunks : nullptr;
    lanes[lane] = {policy, parts};
  }
  engine_ = std::make_unique<delivery::Engine>(lanes);
  return absl::OkStatus();
}

absl::Status Service::StartAcceptance() {
  const absl::StatusOr<int> node = storage_.api_queue.NextNode();
  if (!node.ok()) return node.status();
  ids_ = std::make_unique<EmailIdGenerator>(*node);
  contact_ids_ = std::make_unique<ContactIdGenerator>(*node);
  acceptance::GroupCommitter::Options options;
  options.threads = config_.acceptance_connections;
  options.group_max = limits::kAcceptanceGroupMax;
  options.queue_max = limits::kAcceptanceQueueMax;
  options.random = Uniform;
  options.on_commit = [this](const auto& emails, const auto& results) {
    OnCommit(emails, results);
  };
  committer_ =
      std::make_unique<acceptance::GroupCommitter>(&storage_.accepting_emails, options, absl::Now);
  acceptance::LaneLifetimes lifetimes;
  for (const auto& [lane, policy] : config_.lanes) lifetimes[lane] = policy.lifetime;
  const auto defer = [this](std::function<void()> task) { return loader_.Submit(std::move(task)); };
  acceptor_ = std::make_unique<acceptance::DurableAcceptor>(&catalog_, &categories_,
                                                            &unsubscribe_links_, committer_.get(),
                                                            ids_.get(), lifetimes, defer, now_);
  replaying_acceptor_ = std::make_unique<acceptance::ReplayingAcceptor>(
      *acceptor_, storage_.emails,
      [this](std::function<void()> task) { return replay_lookups_.Submit(std::move(task)); });
  limited_acceptor_ = std::make_unique<acceptance::LimitedAcceptor>(
      *replaying_acceptor_, *ingest_limiter_, [this](int count) { metrics_.IngestRefused(count); });
  return absl::OkStatus();
}

void Service::OnCommit(const std::vector<storage::NewEmail>& emails,
                       const std::vector<storage::AcceptResult>& results) {
  metrics_.AcceptanceGroup(static_cast<int>(emails.size()));
  std::map<std::pair<Lane, EmailState>, int> accepted;
  for (size_t i = 0; i < emails.size(); ++i) {
    if (results[i].kind != storage::AcceptResult::Kind::kAccepted) continue;
    ++accepted[{emails[i].lane, results[i].state}];
  }
  for (const auto& [what, count] : accepted) {
    const auto& [lane, state] = what;
    metrics_.EmailsAccepted(lane, state, count);
    if (state == EmailState::kQueued && engine_ != nullptr) engine_->Wake(lane);
  }
}

absl::Status Service::StartApi() {
  if (!config_.roles.api) return absl::OkStatus();
  auto listening = rpc::Server::Start(
      ServerOptionsOf(config_), {storage_.emails,
                                 storage_.templates,
                                 storage_.tenants,
                                 delivery_events_,
                                 storage_.account_health,
                                 storage_.tenant_routes,
                                 storage_.contacts,
                                 storage_.segments,
                                 storage_.searched_emails,
                                 storage_.searched_contacts,
                                 *contact_ids_,
                                 catalog_,
                                 *limited_acceptor_,
                                 authenticator_,
                                 call_reporter_,
                                 [this] { return storage_.api_queue.Ping(); },
                                 absl::Now,
                                 storage_.master_keys.DeriveKeys("page tokens"),
                                 {},
                                 {&storage_.categories, &storage_.preferences,
                                  &storage_.suppressions, &categories_, &unsubscribe_tokens_}});
  if (!listening.ok()) return listening.status();
  server_ = *std::move(listening);
  Log(Severity::kInfo, "listening", {{"port", server_->port()}});
  return absl::OkStatus();
}

// Runs until a signal. `started` is called once calls are taken.
absl::Status Serve(const config::Config& config, const sigset_t& signals,
                   const std::function<absl::Status(Service&)>& started) {
  const absl::Status prepared = PrepareSchema(config, signals);
  if (absl::IsCancelled(prepared)) return absl::OkStatus();
  if (!prepared.ok()) return prepared;
  absl::StatusOr<storage::MasterKeys> keys = storage::MasterKeys::Parse(config.master_keys);
  if (!keys.ok()) return keys.status();
  absl::StatusOr<identity::AuthenticatorOptions> options = AuthenticatorOptionsOf(config);
  if (!options.ok()) return options.status();

  Service service(config, *std::move(keys), *std::move(options));
  if (absl::Status status = service.Start(); !status.ok()) return status;
  if (absl::Status status = started(service); !status.ok()) return status;
  int signal = 0;
  sigwait(&signals, &signal);
  Log(Severity::kInfo, "draining", {{"signal", signal}});
  service.Drain();
  return absl::OkStatus();
}

absl::Status RunDev(dev::DevOptions options, const sigset_t& signals) {
  absl::StatusOr<dev::DevEnvironment> environment = dev::PrepareDevEnvironment(std::move(options));
  if (!environment.ok()) return environment.status();
  const auto cluster = dev::PrivateCluster::Start(environment->cluster_directory);
  if (!cluster.ok()) return cluster.status();
  environment->config.database_dsn = (*cluster)->Dsn();
  absl::optional<dev::Child> sidecar;
  return Serve(environment->config, signals, [&](Service& service) -> absl::Status {
    const absl::StatusOr<std::string> token =
        dev::EnsureDemoTenant(*environment, service.storage().tenants);
    if (!token.ok()) return token.status();
    absl::StatusOr<dev::Child> started = dev::StartSidecar(*environment);
    if (!started.ok()) return started.status();
    sidecar.emplace(*std::move(started));
    std::cout << "heraldd --dev is ready on 127.0.0.1:" << service.port() << "\n"
              << "  profile:  " << environment->File("heraldctl.env") << "\n"
              << "  mail:     " << environment->File("mail") << "\n"
              << "  metrics:  http://" << environment->options.metrics.ToString() << "/metrics\n"
              << std::flush;
    return absl::OkStatus();
  });
}

int Report(const absl::Status& status) {
  ops::StopLog();
  if (status.ok()) return 0;
  std::cerr << "heraldd: " << status.message() << "\n";
  return 1;
}

absl::Status RunDevWith(Flags flags, const sigset_t& signals) {
  const absl::Status endpoints = ReadEndpoints(flags);
  if (!endpoints.ok()) return endpoints;
  ops::StartLog({});
  return RunDev(flags.dev_options, signals);
}

absl::Status RunConfigured(const Flags& flags, const sigset_t& signals) {
  if (flags.config_path.empty()) {
    return absl::InvalidArgumentError("--config FILE or --dev is needed; see --help");
  }
  absl::StatusOr<config::Config> config = config::LoadConfig(flags.config_path, flags.roles);
  if (!config.ok()) return config.status();
  const absl::optional<Severity> severity = ops::SeverityFromName(config->log_severity);
  if (!severity.has_value()) {
    return absl::InvalidArgumentError("log_severity: must be debug, info, warning or error");
  }
  if (flags.check_config) return absl::OkStatus();
  if (flags.migrate) {
    // Nothing asks for them here: they end the process, and the server rolls back.
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    return storage::Migrate(config->database_dsn);
  }
  ops::LogOptions log;
  log.min_severity = *severity;
  ops::StartLog(log);
  return Serve(*config, signals, [](Service&) { return absl::OkStatus(); });
}

int Main(int argc, char** argv) {
#ifdef NDEBUG
  // Debian builds Abseil to look for deadlocks at every lock of a Mutex, gRPC's included.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  CLI::App app{"heraldd, the notification service"};
  Flags flags;
  Declare(kVersion, app, flags);
  CLI11_PARSE(app, argc, argv);
  // Before any thread starts, so that all of them leave the signals to Serve.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return Report(flags.dev ? RunDevWith(flags, signals) : RunConfigured(flags, signals));
}

}  // namespace
}  // namespace herald

int main(int argc, char** argv) { return herald::Main(argc, argv); }
