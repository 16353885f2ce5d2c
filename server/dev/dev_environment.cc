#include "server/dev/dev_environment.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/config/read_file.h"
#include "server/dev/port_choice.h"
#include "server/identity/token.h"
#include "storage/crypto/random.h"

namespace herald::dev {
namespace {

namespace fs = std::filesystem;

constexpr char kPlainSandbox[] = "sandbox-plain";
constexpr size_t kKeyBytes = 32;
constexpr char kTokenVariable[] = "HERALD_TOKEN=";

// Empty without such a file.
std::string ReadAll(const std::string& path) {
  std::string text = config::ReadFile(path).value_or("");
  absl::StripAsciiWhitespace(&text);
  return text;
}

// Readable for its owner alone from the first byte on.
absl::Status WriteSecret(const std::string& path, const std::string& text) {
  const mode_t before = umask(0077);
  std::ofstream file(path, std::ios::trunc);
  file << text << "\n";
  file.close();
  umask(before);
  return file ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

// The secret in `path`, made by `make` on first use.
absl::StatusOr<std::string> EnsureSecret(const std::string& path,
                                         const std::function<std::string()>& make) {
  std::string text = ReadAll(path);
  if (!text.empty()) return text;
  text = make();
  if (absl::Status status = WriteSecret(path, text); !status.ok()) return status;
  return text;
}

// User postgres must be able to reach the cluster's data; below a home directory that is closed to
// others (root's, say) it cannot, and then the data goes to /var/tmp.
std::string ClusterDirectory(const fs::path& directory) {
  const fs::path inside = directory / "postgres";
  if (geteuid() != 0) return inside.string();
  for (fs::path at = directory; at.has_relative_path(); at = at.parent_path()) {
    const fs::perms perms = fs::status(at).permissions();
    if ((perms & fs::perms::others_exec) == fs::perms::none) {
      return absl::StrCat("/var/tmp/herald-dev-", std::hash<std::string>()(directory.string()));
    }
  }
  return inside.string();
}

absl::Status FillSecrets(DevEnvironment* environment) {
  const auto base64_key = [] { return absl::Base64Escape(storage::RandomBytes(kKeyBytes)); };
  config::Config& config = environment->config;
  struct Wanted {
    const char* file;
    std::function<std::string()> make;
    std::string* value;
  };
  std::string webhook_secret;
  for (const Wanted& wanted : {
           Wanted{"master-keys", [&] { return "dev:" + base64_key(); }, &config.master_keys},
           Wanted{"operator-token", identity::NewSecret, &config.operator_token},
           Wanted{"sidecar-token", identity::NewSecret, &config.sidecar_token},
           Wanted{"webhook-secret", [&] { return "whsec_" + base64_key(); }, &webhook_secret},
       }) {
    absl::StatusOr<std::string> secret = EnsureSecret(environment->File(wanted.file), wanted.make);
    if (!secret.ok()) return secret.status();
    *wanted.value = *std::move(secret);
  }
  environment->operator_token = config.operator_token;
  for (config::Account& account : config.accounts) account.webhook_secret = webhook_secret;
  return absl::OkStatus();
}

// The token of an earlier run, if the database still knows it.
std::string KnownToken(const DevEnvironment& environment, storage::TenantStore& tenants) {
  for (absl::string_view line : absl::StrSplit(ReadAll(environment.File("heraldctl.env")), '\n')) {
    if (!absl::ConsumePrefix(&line, kTokenVariable)) continue;
    const auto parsed = identity::ParseToken(line);
    if (!parsed.has_value()) return "";
    const absl::StatusOr<storage::ApiToken> token = tenants.FindApiToken(parsed->id);
    const bool works = token.ok() && !token->revoke_time.has_value() &&
                       token->secret_hash == identity::HashSecret(parsed->secret);
    return works ? std::string(line) : "";
  }
  return "";
}

absl::StatusOr<std::string> NewToken(storage::TenantStore& tenants) {
  storage::AuditEntry audit;
  audit.actor = "dev";
  audit.action = "heraldd --dev";
  absl::StatusOr<storage::Tenant> tenant = tenants.GetTenantBySlug("demo");
  if (absl::IsNotFound(tenant.status())) {
    storage::Tenant demo;
    demo.slug = "demo";
    demo.display_name = "Demo";
    demo.sender_domains = {"demo.herald.test"};
    tenant = tenants.CreateTenant(demo, audit);
  }
  if (!tenant.ok()) return tenant.status();
  const std::string secret = identity::NewSecret();
  storage::ApiToken token;
  token.tenant = tenant->id;
  token.display_name = "demo";
  token.mode = storage::TokenMode::kLive;
  token.scopes = storage::kScopeSend | storage::kScopeRead | storage::kScopeManage;
  token.secret_hash = identity::HashSecret(secret);
  absl::StatusOr<storage::ApiToken> created = tenants.CreateApiToken(token, audit);
  if (!created.ok()) return created.status();
  return identity::FormatToken(created->mode, created->id, secret);
}

}  // namespace

absl::StatusOr<DevEnvironment> PrepareDevEnvironment(DevOptions options) {
  std::error_code error;
  fs::create_directories(options.directory, error);
  const fs::path directory = fs::absolute(options.directory, error).lexically_normal();
  if (error) return absl::InternalError(absl::StrCat("cannot create ", options.directory));
  options.directory = directory.string();
  for (config::Endpoint* endpoint :
       {&options.grpc, &options.metrics, &options.webhook, &options.webhook_metrics}) {
    endpoint->port = ChoosePort(endpoint->host, endpoint->port);
  }

  DevEnvironment environment;
  environment.options = options;
  environment.cluster_directory = ClusterDirectory(directory);
  // For whoever removes the stack.
  std::ofstream(environment.File("cluster-directory")) << environment.cluster_directory << "\n";

  config::Config& config = environment.config;
  for (Lane lane : kAllLanes) {
    config.lanes[lane] = delivery::DefaultLanePolicy(lane);
    config.routes[lane] = {{"sandbox"}};
  }
  config.listen = options.grpc;
  config.metrics_listen = options.metrics;
  config.migrate = true;
  config.sandbox = "sandbox";
  config.unsubscribe.base_url = absl::StrCat("http://", options.webhook.ToString());
  config::Account sandbox;
  sandbox.name = "sandbox";
  sandbox.breaker = false;  // its failures are simulated
  sandbox.directory = environment.File("mail");
  sandbox.webhook_url = absl::StrCat("http://", options.webhook.ToString(), "/v1/webhooks/sandbox");
  // For trying out what a provider without idempotency makes of an email whose answer got lost;
  // no lane's route, but a tenant's may name it.
  config::Account plain = sandbox;
  plain.name = kPlainSandbox;
  plain.idempotency = false;
  plain.webhook_url =
      absl::StrCat("http://", options.webhook.ToString(), "/v1/webhooks/", kPlainSandbox);
  config.accounts.push_back(std::move(sandbox));
  config.accounts.push_back(std::move(plain));
  if (absl::Status status = FillSecrets(&environment); !status.ok()) return status;
  return environment;
}

absl::StatusOr<Child> StartSidecar(const DevEnvironment& environment) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "herald-webhook";
  if (!fs::exists(program)) {
    return absl::FailedPreconditionError(absl::StrCat(program.string(), " is missing"));
  }
  const DevOptions& options = environment.options;
  return Child::Start(
      {{program.string(), "--listen", options.webhook.ToString(), "--metrics-listen",
        options.webhook_metrics.ToString(), "--heraldd", options.grpc.ToString(), "--token-file",
        environment.File("sidecar-token"), "--account",
        absl::StrCat("sandbox=sandbox:", environment.File("webhook-secret")), "--account",
        absl::StrCat(kPlainSandbox, "=sandbox:", environment.File("webhook-secret"))},
       environment.File("herald-webhook.log"),
       SIGTERM});
}

absl::StatusOr<std::string> EnsureDemoTenant(const DevEnvironment& environment,
                                             storage::TenantStore& tenants) {
  std::string token = KnownToken(environment, tenants);
  if (token.empty()) {
    absl::StatusOr<std::string> created = NewToken(tenants);
    if (!created.ok()) return created.status();
    token = *std::move(created);
  }
  const absl::Status written = WriteSecret(
      environment.File("heraldctl.env"),
      absl::StrCat("HERALD_ADDR=", environment.options.grpc.ToString(), "\n", kTokenVariable, token,
                   "\nHERALD_OPERATOR_TOKEN=", environment.operator_token));
  if (!written.ok()) return written;
  return token;
}

}  // namespace herald::dev
