// Config from YAML. One function a section; each refuses keys it does not know.
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/config/config.h"
#include "server/config/read_file.h"
#include "server/identity/token.h"
#include "storage/crypto/master_keys.h"

namespace herald::config {
namespace {

// Thrown inside this file only: yaml-cpp throws anyway, so that one catch serves both.
class BadConfig : public std::runtime_error {
 public:
  explicit BadConfig(const std::string& what) : std::runtime_error(what) {}
};

[[noreturn]] void Fail(absl::string_view key, absl::string_view problem) {
  throw BadConfig(absl::StrCat(key, ": ", problem));
}

// A mapping whose every key must be asked for.
class Section {
 public:
  Section(std::string path, YAML::Node node) : path_(std::move(path)), node_(std::move(node)) {
    if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) Fail(path_, "must be a mapping");
    std::set<std::string> keys;
    for (const std::string& key : Keys()) {
      if (!keys.insert(key).second) Fail(Path(key), "is given twice");
    }
  }

  std::string Path(const std::string& key) const {
    return path_.empty() ? key : absl::StrCat(path_, ".", key);
  }
  YAML::Node Get(const std::string& key) {
    asked_.insert(key);
    return node_.IsMap() ? node_[key] : YAML::Node(YAML::NodeType::Undefined);
  }
  bool Has(const std::string& key) {
    const YAML::Node node = Get(key);
    return node.IsDefined() && !node.IsNull();
  }
  Section Sub(const std::string& key) { return {Path(key), Get(key)}; }
  // The entries of a list; none when the key is absent.
  std::vector<YAML::Node> List(const std::string& key) {
    if (!Has(key)) return {};
    const YAML::Node node = Get(key);
    if (!node.IsSequence()) Fail(Path(key), "must be a list");
    return std::vector<YAML::Node>(node.begin(), node.end());
  }
  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    if (!node_.IsMap()) return keys;
    for (const auto& entry : node_) keys.push_back(entry.first.as<std::string>());
    return keys;
  }

  template <class T>
  void Read(const std::string& key, T* value) {
    const YAML::Node node = Get(key);
    if (!node.IsDefined() || node.IsNull()) return;
    try {
      *value = node.as<T>();
    } catch (const YAML::Exception&) {
      Fail(Path(key), "has a value of the wrong type");
    }
  }
  void ReadDuration(const std::string& key, absl::Duration* value) {
    std::string text;
    Read(key, &text);
    if (text.empty()) return;
    if (!absl::ParseDuration(text, value) || *value < absl::ZeroDuration() ||
        *value == absl::InfiniteDuration()) {
      Fail(Path(key), "is not a duration such as 30s, 10m or 24h");
    }
  }
  void ReadPositiveDuration(const std::string& key, absl::Duration* value) {
    ReadDuration(key, value);
    if (*value == absl::ZeroDuration()) Fail(Path(key), "must be above 0");
  }
  void ReadEndpoint(const std::string& key, Endpoint* value) {
    std::string text;
    Read(key, &text);
    if (text.empty()) return;
    absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text);
    if (!endpoint.ok()) Fail(Path(key), endpoint.status().message());
    *value = *std::move(endpoint);
  }
  void ReadSecret(const std::string& key, std::string* value);
  void ReadCount(const std::string& key, int* value) {
    Read(key, value);
    if (*value < 1 || *value > 10000) Fail(Path(key), "must be from 1 to 10000");
  }

  void RefuseUnknown() const {
    for (const std::string& key : Keys()) {
      if (asked_.count(key) == 0) Fail(Path(key), "is not a known key");
    }
  }

 private:
  std::string path_;
  YAML::Node node_;
  std::set<std::string> asked_;
};

void Section::ReadSecret(const std::string& key, std::string* value) {
  const YAML::Node node = Get(key);
  if (!node.IsDefined() || node.IsNull()) return;
  // A secret in the file itself would end up in version control.
  if (!node.IsMap() || node.size() != 1) Fail(Path(key), "must be {file: PATH} or {env: NAME}");
  if (node["file"]) {
    absl::StatusOr<std::string> text = ReadFile(node["file"].as<std::string>());
    if (!text.ok()) Fail(Path(key), text.status().message());
    *value = *std::move(text);
  } else if (node["env"]) {
    const std::string name = node["env"].as<std::string>();
    const char* text = std::getenv(name.c_str());
    if (text == nullptr) Fail(Path(key), absl::StrCat("variable ", name, " is not set"));
    *value = text;
  } else {
    Fail(Path(key), "must be {file: PATH} or {env: NAME}");
  }
  absl::StripAsciiWhitespace(value);
  if (value->empty()) Fail(Path(key), "is empty");
}

Account ReadAccount(Section section) {
  Account account;
  std::string type;
  section.Read("name", &account.name);
  section.Read("type", &type);
  if (!IsAccountName(account.name)) {
    Fail(section.Path("name"), "is required: up to 64 letters, digits, '.', '-' and '_'");
  }
  if (type == "resend") {
    account.type = Account::Type::kResend;
    section.ReadSecret("api_key", &account.api_key);
    section.Read("base_url", &account.base_url);
    if (account.api_key.empty()) Fail(section.Path("api_key"), "is required");
  } else if (type == "sandbox") {
    account.type = Account::Type::kSandbox;
    section.Read("directory", &account.directory);
    section.Read("webhook_url", &account.webhook_url);
    section.ReadSecret("webhook_secret", &account.webhook_secret);
    account.breaker = false;
    if (account.directory.empty()) Fail(section.Path("directory"), "is required");
  } else {
    Fail(section.Path("type"), "must be resend or sandbox");
  }
  section.Read("batch", &account.batch);
  section.Read("breaker", &account.breaker);
  section.Read("idempotency", &account.idempotency);
  section.RefuseUnknown();
  return account;
}

// `node` is an account's name or a mapping; `position` its order unless it names one.
RouteStep ReadStep(const std::string& path, const YAML::Node& node, int position) {
  RouteStep step;
  step.order = position;
  if (node.IsScalar()) {
    step.account = node.as<std::string>();
    return step;
  }
  Section section(path, node);
  section.Read("account", &step.account);
  section.Read("order", &step.order);
  section.Read("cost", &step.cost);
  section.Read("weight", &step.weight);
  if (step.account.empty()) Fail(section.Path("account"), "is required");
  if (!IsRouteStep(step)) Fail(path, "order and cost are from 0, weight is from 1, to 10000");
  section.RefuseUnknown();
  return step;
}

// One account, or a list in the order of preference.
Route ReadRoute(const std::string& path, const YAML::Node& node) {
  if (!node.IsSequence()) return {ReadStep(path, node, 1)};
  Route route;
  std::set<std::string> accounts;
  for (size_t i = 0; i < node.size(); ++i) {
    const std::string at = absl::StrCat(path, "[", i, "]");
    route.push_back(ReadStep(at, node[i], static_cast<int>(i) + 1));
    const std::string& account = route.back().account;
    if (!accounts.insert(account).second) Fail(at, absl::StrCat("names ", account, " again"));
  }
  return route;
}

void ReadRoutes(Section section, Config* config) {
  const auto read = [&section](const std::string& key, const Route& fallback) {
    return section.Has(key) ? ReadRoute(section.Path(key), section.Get(key)) : fallback;
  };
  const Route fallback = read("default", {});
  for (Lane lane : kAllLanes) {
    Route route = read(std::string(LaneName(lane)), fallback);
    if (!route.empty()) config->routes[lane] = std::move(route);
  }
  section.RefuseUnknown();
}

void ReadBreaker(Section section, delivery::BreakerPolicy* policy) {
  section.Read("error_rate", &policy->error_rate);
  if (!(policy->error_rate > 0 && policy->error_rate <= 1)) {
    Fail(section.Path("error_rate"), "must be above 0, at most 1");
  }
  section.ReadPositiveDuration("recent", &policy->recent);
  section.ReadCount("recent_volume", &policy->recent_volume);
  section.ReadPositiveDuration("window", &policy->window);
  section.ReadCount("window_volume", &policy->window_volume);
  section.ReadPositiveDuration("slow_call", &policy->slow_call);
  section.ReadPositiveDuration("open_base", &policy->open_base);
  section.ReadPositiveDuration("open_cap", &policy->open_cap);
  if (policy->open_base > policy->open_cap) {
    Fail(section.Path("open_base"), "must be at most open_cap");
  }
  section.ReadPositiveDuration("down_base", &policy->down_base);
  section.ReadPositiveDuration("down_cap", &policy->down_cap);
  if (policy->down_base > policy->down_cap) {
    Fail(section.Path("down_base"), "must be at most down_cap");
  }
  section.ReadCount("probes", &policy->probes);
  section.RefuseUnknown();
}

void ReadLane(Section section, delivery::LanePolicy* policy) {
  section.ReadCount("attempts_max", &policy->attempts_max);
  section.ReadPositiveDuration("backoff_base", &policy->backoff_base);
  section.ReadPositiveDuration("backoff_cap", &policy->backoff_cap);
  section.ReadPositiveDuration("lifetime", &policy->lifetime);
  section.ReadDuration("evidence_wait", &policy->evidence_wait);
  section.ReadCount("workers", &policy->workers);
  section.ReadCount("claim_batch", &policy->claim_batch);
  section.ReadCount("in_flight_max", &policy->in_flight_max);
  section.Read("share_beside_critical", &policy->share_beside_critical);
  if (!(policy->share_beside_critical >= 0.01 && policy->share_beside_critical <= 1)) {
    Fail(section.Path("share_beside_critical"), "must be at least 0.01, at most 1");
  }
  std::string unconfirmed;
  section.Read("unconfirmed", &unconfirmed);
  if (unconfirmed == "resend") {
    policy->unconfirmed = delivery::UnconfirmedPolicy::kResend;
  } else if (unconfirmed == "hold") {
    policy->unconfirmed = delivery::UnconfirmedPolicy::kHold;
  } else if (!unconfirmed.empty()) {
    Fail(section.Path("unconfirmed"), "must be resend or hold");
  }
  section.RefuseUnknown();
}

void ReadDatabase(Section section, Config* config) {
  const YAML::Node dsn = section.Get("dsn");
  if (dsn.IsDefined() && dsn.IsMap()) {
    section.ReadSecret("dsn", &config->database_dsn);
  } else {
    section.Read("dsn", &config->database_dsn);
  }
  section.Read("migrate", &config->migrate);
  section.ReadCount("api_connections", &config->api_connections);
  section.ReadCount("search_connections", &config->search_connections);
  section.ReadCount("acceptance_connections", &config->acceptance_connections);
  section.ReadCount("critical_connections", &config->critical_connections);
  section.ReadCount("delivery_connections", &config->delivery_connections);
  section.RefuseUnknown();
}

void ReadListen(Section section, Config* config) {
  section.ReadEndpoint("grpc", &config->listen);
  section.ReadEndpoint("metrics", &config->metrics_listen);
  Section tls = section.Sub("tls");
  tls.Read("certificate", &config->tls.certificate);
  tls.Read("key", &config->tls.key);
  tls.Read("client_ca", &config->tls.client_ca);
  tls.RefuseUnknown();
  section.RefuseUnknown();
}

void ReadDelivery(Section section, Config* config) {
  section.ReadPositiveDuration("provider_timeout", &config->provider_timeout);
  section.ReadDuration("lease", &config->lease);
  ReadBreaker(section.Sub("breaker"), &config->breaker);
  Section lanes = section.Sub("lanes");
  for (Lane lane : kAllLanes) {
    ReadLane(lanes.Sub(std::string(LaneName(lane))), &config->lanes[lane]);
  }
  lanes.RefuseUnknown();
  section.RefuseUnknown();
}

// The lanes that the limit does not count.
void ReadExemptLanes(Section& section, LimitScope scope, limits::LimitDefaults* limits) {
  for (const YAML::Node& name : section.List("exempt_lanes")) {
    const absl::optional<Lane> lane = LaneFromName(name.IsScalar() ? name.Scalar() : "");
    if (!lane.has_value()) Fail(section.Path("exempt_lanes"), "names what is not a lane");
    limits->exempt_lanes[scope].insert(*lane);
  }
}

// Of a limit that nothing else than the configuration sets.
void RequireRate(Section& section) {
  if (!section.Has("rate")) Fail(section.Path("rate"), "is required");
}

void ReadRate(Section& section, Rate* rate) {
  if (section.Has("burst")) RequireRate(section);
  section.Read("rate", &rate->per_second);
  section.Read("burst", &rate->burst);
  if (!(rate->per_second >= 0 && rate->per_second <= 1e6)) {
    Fail(section.Path("rate"), "must be from 0 (no limit) to 1000000 a second");
  }
  if (rate->burst < 0 || rate->burst > 1'000'000) {
    Fail(section.Path("burst"), "must be from 0 (the default) to 1000000");
  }
}

void ReadRateLimit(Section section, LimitScope scope, Rate* rate, limits::LimitDefaults* limits) {
  ReadRate(section, rate);
  ReadExemptLanes(section, scope, limits);
  section.RefuseUnknown();
}

void ReadUserLimit(Section section, limits::LimitDefaults* limits) {
  Quota& quota = limits->recipient_user;
  if (section.Has("window") && !section.Has("count")) Fail(section.Path("count"), "is required");
  section.Read("count", &quota.count);
  section.ReadDuration("window", &quota.window);
  if (quota.count < 0 || quota.count > kQuotaCountMax) {
    Fail(section.Path("count"), "must be from 0 (no limit) to 1000");
  }
  if (quota.count > 0 && quota.window < absl::Seconds(1)) {
    Fail(section.Path("window"), "is required, at least 1s");
  }
  ReadExemptLanes(section, LimitScope::kRecipientUser, limits);
  section.RefuseUnknown();
}

void ReadLimits(Section section, limits::LimitDefaults* limits) {
  Section ingest = section.Sub("ingest");
  ReadRate(ingest, &limits->ingest);
  ingest.RefuseUnknown();
  Section global = section.Sub("global");
  if (section.Has("global")) RequireRate(global);
  ReadRateLimit(global, LimitScope::kGlobal, &limits->global, limits);
  ReadRateLimit(section.Sub("tenant"), LimitScope::kTenant, &limits->tenant, limits);
  ReadRateLimit(section.Sub("category"), LimitScope::kCategory, &limits->category, limits);
  ReadRateLimit(section.Sub("recipient_domain"), LimitScope::kRecipientDomain,
                &limits->recipient_domain, limits);
  ReadUserLimit(section.Sub("recipient_user"), limits);
  Section warm_up = section.Sub("warm_up");
  warm_up.Read("enabled", &limits->warm_up);
  ReadExemptLanes(warm_up, LimitScope::kWarmUp, limits);
  warm_up.RefuseUnknown();
  Section accounts = section.Sub("accounts");
  for (const std::string& name : accounts.Keys()) {
    Section account = accounts.Sub(name);
    RequireRate(account);
    ReadRateLimit(account, LimitScope::kAccount, &limits->accounts[name], limits);
  }
  section.RefuseUnknown();
}

void ReadAudience(Section unsubscribe, Section soft_bounces, Config* config) {
  unsubscribe.Read("base_url", &config->unsubscribe.base_url);
  unsubscribe.ReadDuration("token_lifetime", &config->unsubscribe.token_lifetime);
  unsubscribe.RefuseUnknown();
  soft_bounces.ReadCount("days", &config->soft_bounces.days);
  soft_bounces.ReadCount("window_days", &config->soft_bounces.window_days);
  soft_bounces.RefuseUnknown();
}

// Errors name the key and never what it holds.
void ReadSecrets(Section& root, Config* config) {
  root.ReadSecret("master_keys", &config->master_keys);
  if (!config->master_keys.empty()) {
    const auto keys = storage::MasterKeys::Parse(config->master_keys);
    if (!keys.ok()) Fail("master_keys", keys.status().message());
  }
  for (const auto& [key, value] : {std::pair("operator_token", &config->operator_token),
                                   std::pair("sidecar_token", &config->sidecar_token)}) {
    root.ReadSecret(key, value);
    if (value->empty()) continue;
    const auto digest = identity::ParseServiceToken(*value);
    if (!digest.ok()) Fail(key, digest.status().message());
  }
}

Config ReadConfig(Section root, const std::string& roles_instead) {
  Config config;
  for (Lane lane : kAllLanes) config.lanes[lane] = delivery::DefaultLanePolicy(lane);
  std::string roles;
  root.Read("roles", &roles);
  if (!roles_instead.empty()) roles = roles_instead;
  if (!roles.empty()) {
    absl::StatusOr<Roles> parsed = ParseRoles(roles);
    if (!parsed.ok()) Fail("roles", parsed.status().message());
    config.roles = *parsed;
  }
  ReadListen(root.Sub("listen"), &config);
  ReadDatabase(root.Sub("database"), &config);
  ReadDelivery(root.Sub("delivery"), &config);
  ReadLimits(root.Sub("limits"), &config.limits);
  ReadAudience(root.Sub("unsubscribe"), root.Sub("soft_bounces"), &config);
  root.Read("log_severity", &config.log_severity);
  ReadSecrets(root, &config);
  Section retention = root.Sub("retention");
  retention.ReadDuration("emails", &config.retention.emails);
  retention.ReadDuration("contents", &config.retention.contents);
  retention.RefuseUnknown();
  root.ReadDuration("drain_grace", &config.drain_grace);
  const std::vector<YAML::Node> accounts = root.List("accounts");
  for (size_t i = 0; i < accounts.size(); ++i) {
    config.accounts.push_back(ReadAccount({absl::StrCat("accounts[", i, "]"), accounts[i]}));
  }
  root.Read("sandbox", &config.sandbox);
  ReadRoutes(root.Sub("routes"), &config);
  root.RefuseUnknown();
  return config;
}

}  // namespace

absl::StatusOr<Config> ParseConfig(const std::string& yaml, const std::string& roles) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(yaml);
    if (documents.size() > 1) {
      return absl::InvalidArgumentError("there is more than one YAML document (a line \"---\")");
    }
    Config config = ReadConfig({"", documents.empty() ? YAML::Node() : documents.front()}, roles);
    if (absl::Status status = CheckConfig(config); !status.ok()) return status;
    return config;
  } catch (const BadConfig& error) {
    return absl::InvalidArgumentError(error.what());
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("not valid YAML: ", error.what()));
  }
}

absl::StatusOr<Config> LoadConfig(const std::string& path, const std::string& roles) {
  const absl::StatusOr<std::string> yaml = ReadFile(path);
  if (!yaml.ok()) return yaml.status();
  return ParseConfig(*yaml, roles);
}

}  // namespace herald::config
