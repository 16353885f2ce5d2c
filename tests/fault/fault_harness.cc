#include "tests/fault/fault_harness.h"

#include <signal.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/dev/port_choice.h"

namespace herald::fault {
namespace {

constexpr char kOperatorToken[] = "operator-of-the-fault-tests";
constexpr char kSidecarToken[] = "sidecar-of-the-fault-tests";
constexpr char kApiKey[] = "re_test";  // the emulator's
constexpr char kSenderDomain[] = "fault.herald.test";
constexpr char kTemplate[] = "receipt";
constexpr char kHost[] = "127.0.0.1";
// AddressSanitizer on a busy machine.
constexpr absl::Duration kStartPatience = absl::Seconds(30);

// The database's own witness: whoever moves an email out of a terminal state leaves a row here.
// 5 to 13 without none: SENT to EXPIRED, see model/email_state.h.
constexpr char kWitness[] = R"sql(
CREATE TABLE public.forbidden_moves (email_id bigint, from_state int, to_state int);
CREATE FUNCTION public.note_forbidden_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN
  INSERT INTO public.forbidden_moves VALUES (OLD.email_id, OLD.state, NEW.state);
  RETURN NEW;
END $$;
CREATE TRIGGER witness AFTER UPDATE OF state ON herald.emails FOR EACH ROW
  WHEN (OLD.state >= 5 AND NEW.state < 5) EXECUTE FUNCTION public.note_forbidden_move();
)sql";

void WriteFile(const std::string& path, absl::string_view text) {
  std::ofstream(path, std::ios::trunc) << text;
}

std::string BuildPath(absl::string_view name) {
  const char* build = std::getenv("HERALD_BUILD_DIR");
  return absl::StrCat(build == nullptr ? "." : build, "/", name);
}

}  // namespace

uint64_t Seed() {
  static const uint64_t seed = [] {
    uint64_t chosen = std::random_device()();
    const char* given = std::getenv("HERALD_SEED");
    if (given != nullptr && !absl::SimpleAtoi(given, &chosen)) chosen = 1;
    std::cout << "HERALD_SEED=" << chosen << std::endl;
    return chosen;
  }();
  return seed;
}

bool Long() { return std::getenv("HERALD_FAULT_LONG") != nullptr; }

absl::StatusOr<std::unique_ptr<Stack>> Stack::Create(int database_connections,
                                                     const std::string& database_parent) {
  std::unique_ptr<Stack> stack(new Stack);
  stack->postgres_options_.max_connections = database_connections;
  stack->postgres_options_.parent = database_parent;
  stack->postgres_options_.durable = true;
  auto cluster = support::PostgresCluster::Create(stack->postgres_options_);
  if (!cluster.ok()) return cluster.status();
  stack->cluster_ = *std::move(cluster);
  absl::StatusOr<std::string> database = stack->cluster_->CreateDatabase();
  if (!database.ok()) return database.status();
  stack->database_ = *std::move(database);
  stack->port_ = dev::ChoosePort(kHost, 0);
  const std::string& directory = stack->directory_.path();
  WriteFile(directory + "/operator-token", kOperatorToken);
  WriteFile(directory + "/sidecar-token", kSidecarToken);
  WriteFile(directory + "/webhook-secret", kWebhookSecret);
  WriteFile(directory + "/master-keys", kMasterKeys);
  WriteFile(directory + "/api-key", kApiKey);
  return stack;
}

Stack::~Stack() {
  if (heraldd_ != nullptr) Kill9();
}

std::string Stack::ConfigText(const Settings& settings, int port) const {
  const std::string& directory = directory_.path();
  std::string text = absl::StrCat(
      "listen: {grpc: \"", kHost, ":", port, "\", metrics: \"", kHost, ":0\"}\n",
      "database:\n  migrate: true\n  acceptance_connections: ", settings.acceptance_connections,
      "\n  dsn: \"",
      settings.database_dsn.empty() ? cluster_->Dsn(database_) : settings.database_dsn, "\"\n",
      "master_keys: {file: ", directory, "/master-keys}\n", "operator_token: {file: ", directory,
      "/operator-token}\n", "sidecar_token: {file: ", directory, "/sidecar-token}\n",
      "drain_grace: ", absl::FormatDuration(settings.drain_grace), "\n",
      "delivery:\n  provider_timeout: ", absl::FormatDuration(settings.provider_timeout),
      "\n  lease: ", absl::FormatDuration(settings.lease), "\n");
  if (!settings.breaker.empty()) absl::StrAppend(&text, "  breaker: ", settings.breaker, "\n");
  absl::StrAppend(&text, "  lanes:\n");
  for (const char* lane : {"critical", "transactional", "standard", "bulk"}) {
    absl::StrAppend(&text, "    ", lane,
                    ": {evidence_wait: ", absl::FormatDuration(settings.evidence_wait), "}\n");
  }
  if (!settings.roles.empty()) absl::StrAppend(&text, "roles: \"", settings.roles, "\"\n");
  absl::StrAppend(&text, "accounts:\n");
  for (const Account& account : settings.accounts) {
    const std::string more = account.options.empty() ? "" : absl::StrCat(", ", account.options);
    if (account.base_url.empty()) {
      absl::StrAppend(&text, "  - {name: ", account.name, ", type: sandbox, directory: ", directory,
                      "/mail", more, "}\n");
    } else {
      absl::StrAppend(&text, "  - {name: ", account.name, ", type: resend, base_url: \"",
                      account.base_url, "\", api_key: {file: ", directory, "/api-key}", more,
                      "}\n");
    }
  }
  absl::StrAppend(&text, "routes: {default: ", settings.route, "}\n");
  return text;
}

absl::StatusOr<std::unique_ptr<support::ChildProcess>> Stack::Run(const Settings& settings,
                                                                  int port) {
  const std::string config = absl::StrCat(directory_.path(), "/herald-", port, ".yaml");
  WriteFile(config, ConfigText(settings, port));
  support::ChildOptions options;
  options.argv = {BuildPath("bin/heraldd"), "--config", config};
  options.directory = directory_.path();
  options.env["HERALD_FAILPOINT"] = settings.failpoint;
  if (!settings.clock_shift_file.empty()) {
    options.env["LD_PRELOAD"] = BuildPath("lib/libherald_clock_shift.so");
    options.env["HERALD_CLOCK_SHIFT_FILE"] = settings.clock_shift_file;
    // A sanitizer wants to come first otherwise.
    const char* given = std::getenv("ASAN_OPTIONS");
    options.env["ASAN_OPTIONS"] =
        absl::StrCat(given == nullptr ? "" : given, ":verify_asan_link_order=0");
  }
  return support::ChildProcess::Start(options);
}

absl::Status Stack::Launch(const Settings& settings) {
  auto started = Run(settings, port_);
  if (!started.ok()) return started.status();
  heraldd_ = *std::move(started);
  return absl::OkStatus();
}

absl::StatusOr<Replica> Stack::StartReplica(const Settings& settings) {
  const int port = dev::ChoosePort(kHost, 0);
  auto process = Run(settings, port);
  if (!process.ok()) return process.status();
  const bool api = settings.roles.empty() || absl::StrContains(settings.roles, "api");
  const auto ready =
      (*process)->WaitForLine(api ? "\"listening\"" : "\"metrics_listening\"", kStartPatience);
  if (!ready.ok()) return ready.status();
  return Replica{*std::move(process), port};
}

absl::StatusOr<Replica> Stack::StartSidecar(const Settings& settings) {
  const int port = dev::ChoosePort(kHost, 0);
  const std::string& directory = directory_.path();
  support::ChildOptions options;
  options.argv = {
      BuildPath("bin/herald-webhook"), "--listen",     absl::StrCat(kHost, ":", port), "--heraldd",
      absl::StrCat(kHost, ":", port_), "--token-file", directory + "/sidecar-token"};
  for (const Account& account : settings.accounts) {
    options.argv.push_back("--account");
    options.argv.push_back(absl::StrCat(account.name, "=resend:", directory, "/webhook-secret"));
  }
  auto process = support::ChildProcess::Start(options);
  if (!process.ok()) return process.status();
  const auto ready = (*process)->WaitForLine("\"listening\"", kStartPatience);
  if (!ready.ok()) return ready.status();
  return Replica{*std::move(process), port};
}

absl::Status Stack::AwaitListening(absl::Duration timeout) const {
  return heraldd_->WaitForLine("\"listening\"", timeout).status();
}

absl::Status Stack::Start(const Settings& settings) {
  if (absl::Status status = Launch(settings); !status.ok()) return status;
  return AwaitListening(kStartPatience);
}

void Stack::Kill9() { heraldd_->Kill9(); }

absl::optional<int> Stack::Terminate(absl::Duration grace) {
  heraldd_->Signal(SIGTERM);
  return heraldd_->Wait(grace);
}

client::ClientOptions Stack::OptionsOf(const std::string& token) const {
  client::ClientOptions options;
  options.target = absl::StrCat(kHost, ":", port_);
  options.token = token;
  options.tls.trust = client::TlsOptions::Trust::kPlainText;
  return options;
}

client::Client Stack::Connect(const Tenant& tenant, const client::RetryPolicy& retry) const {
  client::ClientOptions options = OptionsOf(tenant.token);
  options.retry = retry;
  return *client::Client::Create(std::move(options));
}

client::Client Stack::ConnectTo(const Replica& replica, const Tenant& tenant) const {
  client::ClientOptions options = OptionsOf(tenant.token);
  options.target = absl::StrCat(kHost, ":", replica.port);
  return *client::Client::Create(std::move(options));
}

client::Client Stack::ConnectAsOperator() const {
  return *client::Client::Create(OptionsOf(kOperatorToken));
}

client::Client Stack::ConnectWithoutRetries(const Tenant& tenant) const {
  client::ClientOptions options = OptionsOf(tenant.token);
  options.retry = {absl::Hours(1), absl::Hours(1)};  // longer than any call
  options.timing.random = [] { return 1.0; };
  return *client::Client::Create(std::move(options));
}

void Stack::EndLeases() const {
  for (const char* table : {"queue", "chunks"}) {
    Query(absl::StrCat("UPDATE herald.", table,
                       " SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL"));
  }
}

bool Stack::DiesOf(const std::function<absl::Status()>& send) const {
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (absl::Now() < deadline) {
    const absl::Status sent = send();
    const absl::Duration patience =
        sent.ok() ? deadline - absl::Now() : absl::Milliseconds(500);  // to see that it is dead
    const absl::optional<int> exit_code = heraldd_->Wait(patience);
    if (exit_code.has_value()) return *exit_code == 128 + SIGKILL;
  }
  return false;
}

absl::Status Stack::CreateTenant(client::Client& operator_client, const std::string& slug) {
  v1::CreateTenantRequest request;
  request.mutable_tenant()->set_slug(slug);
  request.mutable_tenant()->set_display_name(slug);
  request.mutable_tenant()->add_allowed_sender_domains(kSenderDomain);
  const absl::StatusOr<v1::Tenant> tenant = operator_client.CreateTenant(request);
  if (!tenant.ok()) return tenant.status();
  v1::CreateApiTokenRequest wanted;
  wanted.set_tenant_id(tenant->id());
  wanted.set_display_name("load");
  wanted.set_mode(v1::ApiToken::MODE_LIVE);
  for (v1::ApiToken::Scope scope :
       {v1::ApiToken::SCOPE_SEND, v1::ApiToken::SCOPE_READ, v1::ApiToken::SCOPE_MANAGE}) {
    wanted.add_scopes(scope);
  }
  const auto token = operator_client.CreateApiToken(wanted);
  if (!token.ok()) return token.status();
  tenants_.push_back({tenant->id(), token->secret()});
  v1::CreateTemplateRequest create;
  create.set_key(kTemplate);
  create.mutable_content()->set_subject("Receipt {{number}}");
  create.mutable_content()->set_html("<p>Order {{number}}</p>");
  return Connect(tenants_.back()).CreateTemplate(create).status();
}

absl::Status Stack::Provision() {
  client::ClientOptions options = OptionsOf(kOperatorToken);
  options.default_deadline = kStartPatience;
  client::Client operator_client = *client::Client::Create(std::move(options));
  for (const char* slug : {"first", "second"}) {
    if (absl::Status status = CreateTenant(operator_client, slug); !status.ok()) return status;
  }
  return cluster_->Psql(database_, kWitness).status();
}

std::string Stack::Query(absl::string_view sql) const {
  absl::StatusOr<std::string> output = cluster_->Psql(database_, sql);
  if (output.ok()) return *std::move(output);
  std::cerr << output.status() << std::endl;
  std::abort();
}

std::string Stack::ForbiddenMoves() const {
  return Query("SELECT email_id, from_state, to_state FROM public.forbidden_moves LIMIT 10");
}

v1::SendEmailRequest EmailOf(int content, v1::Lane lane) {
  v1::SendEmailRequest request;
  request.mutable_recipient()->set_email(absl::StrCat("reader-", content, "@example.test"));
  request.mutable_from()->set_email(absl::StrCat("shop@", kSenderDomain));
  request.mutable_template_()->set_key(kTemplate);
  (*request.mutable_variables()->mutable_fields())["number"].set_string_value(
      absl::StrCat("n", content));
  request.set_lane(lane);
  return request;
}

}  // namespace herald::fault
