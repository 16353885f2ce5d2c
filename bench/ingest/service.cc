#include "bench/ingest/service.h"

#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "bench/ingest/requests.h"
#include "client/herald_client.h"

namespace herald::bench {
namespace {

// Survives restarts by convention, so that it is on a disk where /tmp may be in memory.
constexpr char kDiskDirectory[] = "/var/tmp";
constexpr long kTmpfsMagic = 0x01021994;  // linux/magic.h

constexpr char kOperatorToken[] = "bench-operator-token";
constexpr char kMasterKey[] = "bench:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";
constexpr absl::Duration kStartPatience = absl::Seconds(60);

// A quarter of the memory, at most 4 GB, as a database server of its own would get.
int SharedBuffersMegabytes() {
  const long long pages = sysconf(_SC_PHYS_PAGES);
  const long long megabytes = pages * sysconf(_SC_PAGE_SIZE) / (1024 * 1024);
  return static_cast<int>(std::min(megabytes / 4, 4096LL));
}

absl::StatusOr<int> ReadPort(const std::string& log_line) {
  const nlohmann::json line = nlohmann::json::parse(log_line, nullptr, false);
  if (!line.is_object() || !line.contains("port") || !line["port"].is_number_integer()) {
    return absl::InternalError(absl::StrCat("no port in the line ", log_line));
  }
  return line["port"].get<int>();
}

absl::StatusOr<client::Client> Connect(const std::string& target, const std::string& token) {
  client::ClientOptions options;
  options.target = target;
  options.token = token;
  options.tls.trust = client::TlsOptions::Trust::kPlainText;
  return client::Client::Create(options);
}

absl::Status WaitUntilServing(const client::Client& client) {
  const absl::Time deadline = absl::Now() + kStartPatience;
  while (true) {
    const absl::StatusOr<bool> serving = client.IsServing("");
    if (serving.ok() && *serving) return absl::OkStatus();
    if (absl::Now() > deadline) return absl::DeadlineExceededError("heraldd does not serve");
    absl::SleepFor(absl::Milliseconds(100));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> Service::Start(const std::string& programs) {
  std::unique_ptr<Service> service(new Service());
  absl::Status status = service->StartDatabase();
  if (!status.ok()) return status;
  absl::StatusOr<Running> heraldd = service->StartHeraldd(programs, "heraldd");
  if (!heraldd.ok()) return heraldd.status();
  service->heraldd_ = *std::move(heraldd);
  status = service->CreateTenant();
  if (status.ok()) status = service->StartEcho(programs);
  if (!status.ok()) return status;
  return service;
}

absl::Status Service::StartDatabase() {
  struct statfs disk {};
  if (statfs(kDiskDirectory, &disk) != 0 || disk.f_type == kTmpfsMagic) {
    return absl::FailedPreconditionError(
        absl::StrCat(kDiskDirectory, " is not on a disk: durable writes would cost nothing"));
  }
  support::PostgresOptions options;
  options.durable = true;
  options.max_connections = 80;
  options.parent = kDiskDirectory;
  options.settings = {absl::StrCat("shared_buffers = '", SharedBuffersMegabytes(), "MB'"),
                      "max_wal_size = '8GB'",
                      "checkpoint_timeout = '15min'",
                      "wal_compression = lz4",
                      "commit_delay = 0",
                      "synchronous_commit = on",
                      "full_page_writes = on",
                      "autovacuum_naptime = '5s'"};
  absl::StatusOr<std::unique_ptr<support::PostgresCluster>> cluster =
      support::PostgresCluster::Create(options);
  if (!cluster.ok()) return cluster.status();
  cluster_ = *std::move(cluster);
  return absl::OkStatus();
}

absl::StatusOr<Service::Running> Service::StartHeraldd(const std::string& programs,
                                                       const std::string& program) {
  const std::string path = absl::StrCat(programs, "/bench-heraldd.yaml");
  std::ofstream file(path);
  file << "roles: api\n"
       << "listen: {grpc: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}\n"
       << "database: {dsn: \"" << Dsn() << "\", migrate: true}\n"
       << "master_keys: {env: HERALD_BENCH_MASTER_KEY}\n"
       << "operator_token: {env: HERALD_BENCH_OPERATOR_TOKEN}\n";
  file.close();
  if (!file.good()) return absl::InternalError(absl::StrCat("cannot write ", path));
  support::ChildOptions options;
  options.argv = {absl::StrCat(programs, "/", program), "--config", path};
  options.env = {{"HERALD_BENCH_MASTER_KEY", kMasterKey},
                 {"HERALD_BENCH_OPERATOR_TOKEN", kOperatorToken}};
  absl::StatusOr<std::unique_ptr<support::ChildProcess>> heraldd =
      support::ChildProcess::Start(options);
  if (!heraldd.ok()) return heraldd.status();
  const absl::StatusOr<std::string> line =
      (*heraldd)->WaitForLine("\"event\":\"listening\"", kStartPatience);
  if (!line.ok()) return line.status();
  const absl::StatusOr<int> port = ReadPort(*line);
  if (!port.ok()) return port.status();
  return Running{*std::move(heraldd), absl::StrCat("127.0.0.1:", *port)};
}

absl::Status Service::StartUngated(const std::string& programs) {
  absl::StatusOr<Running> ungated = StartHeraldd(programs, "bench-heraldd-ungated");
  if (!ungated.ok()) return ungated.status();
  ungated_ = *std::move(ungated);
  const absl::StatusOr<client::Client> client = Connect(ungated_.target, token_);
  return client.ok() ? WaitUntilServing(*client) : client.status();
}

absl::Status Service::CreateTenant() {
  const absl::StatusOr<client::Client> operators = Connect(target(), kOperatorToken);
  if (!operators.ok()) return operators.status();
  if (absl::Status status = WaitUntilServing(*operators); !status.ok()) return status;
  v1::CreateTenantRequest tenant_request;
  tenant_request.mutable_tenant()->set_slug("bench");
  tenant_request.mutable_tenant()->set_display_name("Benchmark");
  tenant_request.mutable_tenant()->add_allowed_sender_domains(kSenderDomain);
  const absl::StatusOr<v1::Tenant> tenant = operators->CreateTenant(tenant_request);
  if (!tenant.ok()) return tenant.status();
  v1::CreateApiTokenRequest token_request;
  token_request.set_tenant_id(tenant->id());
  token_request.set_display_name("Benchmark");
  token_request.set_mode(v1::ApiToken::MODE_LIVE);
  for (const auto scope :
       {v1::ApiToken::SCOPE_SEND, v1::ApiToken::SCOPE_READ, v1::ApiToken::SCOPE_MANAGE}) {
    token_request.add_scopes(scope);
  }
  const absl::StatusOr<v1::CreateApiTokenResponse> token = operators->CreateApiToken(token_request);
  if (!token.ok()) return token.status();
  token_ = token->secret();
  const absl::StatusOr<client::Client> tenants = Connect(target(), token_);
  if (!tenants.ok()) return tenants.status();
  return tenants->CreateTemplate(OrderConfirmationTemplate()).status();
}

absl::Status Service::StartEcho(const std::string& programs) {
  support::ChildOptions options;
  options.argv = {absl::StrCat(programs, "/bench-echo-server"), Dsn()};
  absl::StatusOr<std::unique_ptr<support::ChildProcess>> echo =
      support::ChildProcess::Start(options);
  if (!echo.ok()) return echo.status();
  echo_ = *std::move(echo);
  const absl::StatusOr<std::string> line = echo_->WaitForLine("listening ", kStartPatience);
  if (!line.ok()) return line.status();
  echo_target_ = absl::StrCat("127.0.0.1:", line->substr(line->rfind(' ') + 1));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<pid_t>> Service::DatabasePids() const {
  const absl::StatusOr<std::string> lines =
      cluster_->Psql("postgres", "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
  if (!lines.ok()) return lines.status();
  std::vector<pid_t> pids;
  for (absl::string_view line : absl::StrSplit(*lines, '\n', absl::SkipEmpty())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(line, &pid)) pids.push_back(pid);
  }
  return pids;
}

absl::Status Service::StopAutovacuum() const {
  for (const char* statement : {"ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"}) {
    if (absl::Status status = cluster_->Psql("postgres", statement).status(); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Service::CleanUp() const {
  return cluster_->Psql("postgres", "VACUUM ANALYZE").status();
}

absl::StatusOr<int64_t> Service::CountEmails(const std::string& prefix) const {
  const absl::StatusOr<std::string> text =
      cluster_->Psql("postgres", absl::StrCat("SELECT count(*) FROM herald.emails WHERE ",
                                              "starts_with(idempotency_key, '", prefix, "')"));
  if (!text.ok()) return text.status();
  int64_t count = 0;
  if (!absl::SimpleAtoi(*text, &count)) return absl::InternalError("psql gave no number");
  return count;
}

}  // namespace herald::bench
