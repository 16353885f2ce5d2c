// heraldd: the composition root, and the only file that names concrete classes.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <memory>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "providers/http/curl_http_client.h"
#include "providers/resend/resend_provider.h"
#include "providers/sandbox/sandbox_provider.h"
#include "server/acceptance/durable_acceptor.h"
#include "server/acceptance/group_committer.h"
#include "server/catalog/forgetting_template_store.h"
#include "server/catalog/template_catalog.h"
#include "server/config/config.h"
#include "server/config/limits.h"
#include "server/delivery/engine.h"
#include "server/dev/dev_environment.h"
#include "server/dev/private_cluster.h"
#include "server/duties/periodic_duty.h"
#include "server/duties/queue_duties.h"
#include "server/identity/authenticator.h"
#include "server/ops/call_reporter.h"
#include "server/ops/delivery_reporter.h"
#include "server/ops/metered_delivery_events.h"
#include "server/ops/log.h"
#include "server/ops/metrics.h"
#include "server/ops/metrics_endpoint.h"
#include "server/rpc/executor.h"
#include "server/rpc/server.h"
#include "storage/crypto/hmac.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/delivery_event_store.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/migrations.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/template_store.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/tenant_store.h"

namespace herald {
namespace {

constexpr char kVersion[] = HERALD_VERSION;
// A poison email takes a process with it this many times before it is quarantined.
constexpr int kClaimsMax = 3;
constexpr absl::Duration kMigratePatience = absl::Seconds(60);

using ops::Log;
using ops::Severity;

// The stores, each on the pool that bounds it. Lane CRITICAL waits for no other's connection.
struct Storage {
  Storage(const config::Config& config, storage::MasterKeys keys)
      : master_keys(std::move(keys)),
        api_pool({config.database_dsn, config.api_connections}),
        acceptance_pool({config.database_dsn, config.acceptance_connections}),
        critical_pool({config.database_dsn, config.critical_connections}),
        delivery_pool({config.database_dsn, config.delivery_connections}) {}

  storage::MasterKeys master_keys;
  storage::ConnectionPool api_pool;
  storage::ConnectionPool acceptance_pool;
  storage::ConnectionPool critical_pool;
  storage::ConnectionPool delivery_pool;
  storage::TenantKeys keys{api_pool, master_keys};
  storage::PostgresTenantStore tenants{api_pool, keys};
  storage::PostgresTemplateStore templates{api_pool};
  storage::PostgresEmailStore emails{api_pool, keys};
  storage::PostgresEmailStore accepting_emails{acceptance_pool, keys};
  storage::PostgresDeliveryEventStore delivery_events{api_pool, keys};
  storage::PostgresQueueStore critical_queue{critical_pool, keys};
  storage::PostgresQueueStore queue{delivery_pool, keys};
  storage::PostgresQueueStore api_queue{api_pool, keys};
};

// Migrations wait for the database: a replica may start before it.
absl::Status PrepareSchema(const config::Config& config) {
  const absl::Time deadline = absl::Now() + kMigratePatience;
  while (true) {
    const absl::Status status = config.migrate ? storage::Migrate(config.database_dsn)
                                               : storage::CheckSchema(config.database_dsn);
    if (!absl::IsUnavailable(status) || absl::Now() > deadline) return status;
    Log(Severity::kWarning, "database_unavailable", {{"reason", status.message()}});
    absl::SleepFor(absl::Seconds(1));
  }
}

struct Providers {
  std::unique_ptr<providers::HttpClient> http;
  std::vector<std::unique_ptr<providers::Provider>> accounts;

  std::vector<providers::Provider*> pointers() const {
    std::vector<providers::Provider*> list;
    for (const auto& account : accounts) list.push_back(account.get());
    return list;
  }
  providers::Provider* Find(const std::string& name) const {
    for (const auto& account : accounts) {
      if (account->account() == name) return account.get();
    }
    return nullptr;
  }
};

absl::StatusOr<Providers> MakeProviders(const config::Config& config) {
  Providers made;
  made.http = providers::MakeCurlHttpClient({});
  for (const config::Account& account : config.accounts) {
    if (account.type == config::Account::Type::kResend) {
      providers::ResendOptions options;
      options.account = account.name;
      options.api_key = account.api_key;
      if (!account.base_url.empty()) options.base_url = account.base_url;
      options.user_agent = absl::StrCat("herald/", kVersion);
      made.accounts.push_back(providers::MakeResendProvider(std::move(options), *made.http));
      continue;
    }
    providers::SandboxOptions options;
    options.account = account.name;
    options.directory = account.directory;
    options.webhook_url = account.webhook_url;
    options.webhook_secret = account.webhook_secret;
    auto sandbox = providers::MakeSandboxProvider(std::move(options), *made.http);
    if (!sandbox.ok()) return sandbox.status();
    made.accounts.push_back(*std::move(sandbox));
  }
  return made;
}

double Uniform() {
  thread_local absl::BitGen generator;
  return absl::Uniform(generator, 0.0, 1.0);
}

std::unique_ptr<delivery::Engine> MakeEngine(const config::Config& config, Storage& storage,
                                             delivery::DeliveryParts parts) {
  std::map<Lane, delivery::Engine::LaneSetup> lanes;
  for (const auto& [lane, policy] : config.lanes) {
    parts.store = lane == Lane::kCritical ? &storage.critical_queue : &storage.queue;
    lanes[lane] = {policy, parts};
  }
  return std::make_unique<delivery::Engine>(lanes);
}

std::vector<std::unique_ptr<duties::PeriodicDuty>> StartDuties(storage::QueueStore& queue,
                                                               ops::ServiceMetrics& metrics) {
  const auto on_error = [&metrics](const std::string& name, const absl::Status& status) {
    metrics.DatabaseError(status.code());
    Log(Severity::kWarning, "duty_failed", {{"duty", name}, {"reason", status.message()}});
  };
  const auto on_rescued = [&metrics](int rescued) {
    metrics.LeasesRescued(rescued);
    Log(Severity::kWarning, "leases_rescued", {{"rescued", rescued}});
  };
  const auto on_depths = [&metrics](const std::vector<storage::LaneDepth>& depths) {
    for (const storage::LaneDepth& depth : depths) {
      metrics.QueueMeasured(depth.lane, depth.due + depth.scheduled + depth.leased,
                            depth.oldest_age);
    }
  };
  std::vector<std::unique_ptr<duties::PeriodicDuty>> started;
  const auto start = [&](std::string name, absl::Duration interval,
                         duties::PeriodicDuty::Round round) {
    started.push_back(std::make_unique<duties::PeriodicDuty>(std::move(name), interval,
                                                             std::move(round), on_error));
    started.back()->Start();
  };
  start("rescue", absl::Seconds(1), duties::RescueRound(&queue, kClaimsMax, on_rescued));
  start("expire", absl::Seconds(1), duties::ExpireRound(&queue));
  start("depth", absl::Seconds(5), duties::DepthRound(&queue, on_depths));
  return started;
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
  return options;
}

// Runs until a signal. `started` is told the API's port once calls are taken.
using OnStarted = std::function<absl::Status(Storage& storage, int port)>;

absl::Status Serve(const config::Config& config, const sigset_t& signals,
                   const OnStarted& started) {
  if (absl::Status status = PrepareSchema(config); !status.ok()) return status;
  absl::StatusOr<storage::MasterKeys> keys = storage::MasterKeys::Parse(config.master_keys);
  if (!keys.ok()) return keys.status();
  const absl::StatusOr<identity::AuthenticatorOptions> identity_options =
      AuthenticatorOptionsOf(config);
  if (!identity_options.ok()) return identity_options.status();

  // Later ones use earlier ones.
  Storage storage(config, *std::move(keys));
  ops::ServiceMetrics metrics(kVersion);
  auto endpoint = ops::MetricsEndpoint::Start(config.metrics_listen.host,
                                              config.metrics_listen.port, metrics.registry());
  if (!endpoint.ok()) return endpoint.status();
  Log(Severity::kInfo, "metrics_listening", {{"port", (*endpoint)->port()}});
  catalog::TemplateCatalog catalog(&storage.templates, {}, absl::Now);
  const absl::StatusOr<int> node = storage.api_queue.NextNode();
  if (!node.ok()) return node.status();
  EmailIdGenerator ids(*node);

  ops::DeliveryReporter delivery_observer(&metrics);
  std::unique_ptr<delivery::Engine> engine;
  absl::StatusOr<Providers> providers = Providers{};
  std::unique_ptr<delivery::StaticRouter> router;
  const delivery::Renderer renderer(&catalog, {});
  if (config.roles.delivery) {
    providers = MakeProviders(config);
    if (!providers.ok()) return providers.status();
    router = std::make_unique<delivery::StaticRouter>(providers->pointers(), config.routes,
                                                      providers->Find(config.sandbox));
    engine = MakeEngine(config, storage,
                        {nullptr, &renderer, router.get(), &delivery_observer, absl::Now, Uniform,
                         config.lease, config.provider_timeout});
  }

  acceptance::GroupCommitter::Options committing;
  committing.threads = config.acceptance_connections;
  committing.group_max = limits::kAcceptanceGroupMax;
  committing.queue_max = limits::kAcceptanceQueueMax;
  committing.on_commit = [&](const std::vector<storage::NewEmail>& emails,
                             const std::vector<storage::AcceptResult>& results) {
    metrics.AcceptanceGroup(static_cast<int>(emails.size()));
    std::array<bool, 5> due{};
    for (size_t i = 0; i < emails.size(); ++i) {
      if (results[i].kind != storage::AcceptResult::Kind::kAccepted) continue;
      metrics.EmailsAccepted(emails[i].lane, results[i].state);
      if (results[i].state == EmailState::kQueued) due[static_cast<size_t>(emails[i].lane)] = true;
    }
    for (Lane lane : kAllLanes) {
      if (engine != nullptr && due[static_cast<size_t>(lane)]) engine->Wake(lane);
    }
  };
  acceptance::LaneLifetimes lifetimes;
  for (const auto& [lane, policy] : config.lanes) lifetimes[lane] = policy.lifetime;

  rpc::Executor loader(2, 1024);
  acceptance::GroupCommitter committer(&storage.accepting_emails, committing, absl::Now);
  acceptance::DurableAcceptor acceptor(
      &catalog, &committer, &ids, lifetimes,
      [&loader](std::function<void()> task) { return loader.Submit(std::move(task)); }, absl::Now);
  identity::Authenticator authenticator(storage.tenants, *identity_options, absl::Now);
  catalog::ForgettingTemplateStore templates(&storage.templates, &catalog);
  ops::MeteredDeliveryEvents delivery_events(storage.delivery_events, metrics);
  ops::CallReporter calls(metrics);

  std::unique_ptr<rpc::Server> server;
  if (config.roles.api) {
    const std::string page_token_key =
        storage::HmacSha256(config.master_keys).Compute("page tokens");
    auto listening = rpc::Server::Start(
        ServerOptionsOf(config),
        {storage.emails, templates, storage.tenants, delivery_events, acceptor, authenticator,
         calls, [&storage] { return storage.api_queue.Ping(); }, absl::Now, page_token_key});
    if (!listening.ok()) return listening.status();
    server = *std::move(listening);
    Log(Severity::kInfo, "listening", {{"port", server->port()}});
  }
  auto duties = config.roles.duties ? StartDuties(storage.queue, metrics)
                                    : std::vector<std::unique_ptr<duties::PeriodicDuty>>{};
  if (absl::Status status = started(storage, server ? server->port() : 0); !status.ok()) {
    return status;
  }

  int signal = 0;
  sigwait(&signals, &signal);
  Log(Severity::kInfo, "draining", {{"signal", signal}});
  const absl::Time deadline = absl::Now() + config.drain_grace;
  if (server) server->Drain(deadline);
  const bool empty = engine == nullptr || engine->Drain(deadline);
  // What is still in flight gets its outcome from the dying providers, and is recorded.
  providers->accounts.clear();
  engine.reset();
  Log(Severity::kInfo, "stopped", {{"state", empty ? "finished" : "cut"}});
  return absl::OkStatus();
}

absl::Status RunDev(dev::DevOptions options, const sigset_t& signals) {
  absl::StatusOr<dev::DevEnvironment> environment = dev::PrepareDevEnvironment(std::move(options));
  if (!environment.ok()) return environment.status();
  const auto cluster = dev::PrivateCluster::Start(environment->cluster_directory);
  if (!cluster.ok()) return cluster.status();
  environment->config.database_dsn = (*cluster)->Dsn();
  absl::optional<dev::Child> sidecar;
  return Serve(environment->config, signals, [&](Storage& storage, int port) -> absl::Status {
    const absl::StatusOr<std::string> token =
        dev::EnsureDemoTenant(*environment, storage.tenants);
    if (!token.ok()) return token.status();
    absl::StatusOr<dev::Child> started = dev::StartSidecar(*environment);
    if (!started.ok()) return started.status();
    sidecar.emplace(*std::move(started));
    std::cout << "heraldd --dev is ready on 127.0.0.1:" << port << "\n"
              << "  profile:  " << environment->File("heraldctl.env") << "\n"
              << "  mail:     " << environment->File("mail") << "\n"
              << "  metrics:  http://" << environment->options.metrics.ToString() << "/metrics\n"
              << std::flush;
    return absl::OkStatus();
  });
}

int Fail(const absl::Status& status) {
  ops::StopLog();
  std::cerr << "heraldd: " << status.message() << "\n";
  return 1;
}

int Main(int argc, char** argv) {
  CLI::App app{"heraldd, the notification service"};
  std::string config_path;
  std::string roles;
  bool dev_mode = false;
  bool migrate_only = false;
  bool check_only = false;
  dev::DevOptions dev_options;
  std::string listen;
  std::string metrics_listen;
  std::string webhook_listen;
  app.add_option("--config", config_path, "YAML file, see docs/configuration.md");
  app.add_option("--roles", roles, "subset of api,delivery,duties (default: all)");
  app.add_flag("--migrate", migrate_only, "bring the database's schema up to date, then exit");
  app.add_flag("--check-config", check_only, "read and check the configuration, then exit");
  app.add_flag("--dev", dev_mode, "private PostgreSQL, sandbox and sidecar; nothing to configure");
  app.add_option("--dev-dir", dev_options.directory, "where --dev keeps its data")
      ->capture_default_str();
  app.add_option("--dev-listen", listen, "with --dev: host:port of the API");
  app.add_option("--dev-metrics-listen", metrics_listen, "with --dev: host:port of the metrics");
  app.add_option("--dev-webhook-listen", webhook_listen, "with --dev: host:port of the sidecar");
  app.set_version_flag("--version", std::string("heraldd ") + kVersion);
  CLI11_PARSE(app, argc, argv);

  // Before any thread starts, so that all of them leave the signals to Serve.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  if (dev_mode) {
    for (const auto& [text, endpoint] : {std::pair(&listen, &dev_options.grpc),
                                         std::pair(&metrics_listen, &dev_options.metrics),
                                         std::pair(&webhook_listen, &dev_options.webhook)}) {
      if (text->empty()) continue;
      absl::StatusOr<config::Endpoint> parsed = config::ParseEndpoint(*text);
      if (!parsed.ok()) return Fail(parsed.status());
      *endpoint = *std::move(parsed);
    }
    ops::StartLog({});
    const absl::Status status = RunDev(dev_options, signals);
    if (!status.ok()) return Fail(status);
    ops::StopLog();
    return 0;
  }

  if (config_path.empty()) {
    return Fail(absl::InvalidArgumentError("--config FILE or --dev is needed; see --help"));
  }
  absl::StatusOr<config::Config> config = config::LoadConfig(config_path);
  if (!config.ok()) return Fail(config.status());
  if (!roles.empty()) {
    absl::StatusOr<config::Roles> parsed = config::ParseRoles(roles);
    if (!parsed.ok()) return Fail(parsed.status());
    config->roles = *parsed;
  }
  if (check_only) {
    std::cout << "the configuration is complete\n";
    return 0;
  }
  if (migrate_only) {
    const absl::Status status = storage::Migrate(config->database_dsn);
    if (!status.ok()) return Fail(status);
    std::cout << "the schema is up to date\n";
    return 0;
  }
  const absl::optional<Severity> severity = ops::SeverityFromName(config->log_severity);
  if (!severity.has_value()) return Fail(absl::InvalidArgumentError("log_severity: unknown"));
  ops::LogOptions log;
  log.min_severity = *severity;
  ops::StartLog(log);
  const absl::Status status =
      Serve(*config, signals, [](Storage&, int) { return absl::OkStatus(); });
  if (!status.ok()) return Fail(status);
  ops::StopLog();
  return 0;
}

}  // namespace
}  // namespace herald

int main(int argc, char** argv) { return herald::Main(argc, argv); }
