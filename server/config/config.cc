#include "server/config/config.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/config/read_file.h"

namespace herald::config {
namespace {

// Of a lease, beside the hand-over: half for rendering a batch before it, half for recording the
// outcome after it (lane_worker.cc refuses to begin with less). A lease that is too short costs
// claims that come to nothing; it never leads to a second hand-over.
constexpr absl::Duration kLeaseMargin = absl::Seconds(10);

const Account* FindAccount(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.accounts.begin(), config.accounts.end(),
                                  [&](const Account& account) { return account.name == name; });
  return found == config.accounts.end() ? nullptr : &*found;
}

absl::Status CheckAccountNames(const Config& config) {
  for (const Account& account : config.accounts) {
    if (FindAccount(config, account.name) == &account) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("accounts: two of them are named ", account.name));
  }
  return absl::OkStatus();
}

// What test tokens send is for nobody.
absl::Status CheckSandbox(const Config& config) {
  if (config.sandbox.empty()) return absl::OkStatus();
  const Account* account = FindAccount(config, config.sandbox);
  if (account == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("sandbox: no account is named ", config.sandbox));
  }
  if (account->type == Account::Type::kSandbox) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("sandbox: the account ", config.sandbox, " is not of type sandbox"));
}

// Of the roles, api alone reads the files.
absl::Status CheckTls(const Config& config) {
  const Tls& tls = config.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    return absl::InvalidArgumentError("listen.tls: certificate and key go together");
  }
  if (!tls.client_ca.empty() && tls.certificate.empty()) {
    return absl::InvalidArgumentError("listen.tls: client_ca needs certificate and key");
  }
  if (!config.roles.api) return absl::OkStatus();
  for (const auto& [key, path] :
       {std::pair("certificate", &tls.certificate), std::pair("key", &tls.key),
        std::pair("client_ca", &tls.client_ca)}) {
    if (path->empty()) continue;
    const absl::StatusOr<std::string> text = ReadFile(*path);
    if (text.ok()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("listen.tls.", key, ": ", text.status().message()));
  }
  return absl::OkStatus();
}

absl::Status CheckRoutes(const Config& config) {
  for (Lane lane : kAllLanes) {
    const auto route = config.routes.find(lane);
    if (route == config.routes.end() || route->second.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("routes: lane ", LaneName(lane), " has none; set it or routes.default"));
    }
    for (const RouteStep& step : route->second) {
      if (FindAccount(config, step.account) != nullptr) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("routes.", LaneName(lane), ": no account is named ", step.account));
    }
  }
  return absl::OkStatus();
}

// Receivers take one-click unsubscribes over HTTPS only (RFC 8058); this machine is for
// development.
absl::Status CheckUnsubscribe(const Unsubscribe& unsubscribe) {
  const std::string& url = unsubscribe.base_url;
  if (url.empty()) return absl::OkStatus();
  const bool local = absl::StartsWith(url, "http://127.0.0.1") ||
                     absl::StartsWith(url, "http://localhost") ||
                     absl::StartsWith(url, "http://[::1]");
  if ((!local && !absl::StartsWith(url, "https://")) || absl::EndsWith(url, "/") ||
      url.find_first_of(" \t<>\"?#") != std::string::npos || url.size() > 200) {
    return absl::InvalidArgumentError(
        "unsubscribe.base_url must be https://HOST with an optional path and no slash at its end, "
        "at most 200 characters");
  }
  if (unsubscribe.token_lifetime < absl::Hours(24 * 30)) {
    return absl::InvalidArgumentError(
        "unsubscribe.token_lifetime must be at least 720h: recipients may leave for 30 days");
  }
  return absl::OkStatus();
}

}  // namespace

std::string Endpoint::ToString() const { return absl::StrCat(host, ":", port); }

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  const size_t colon = text.rfind(':');
  Endpoint endpoint;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &endpoint.port) || endpoint.port < 0 ||
      endpoint.port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not host:port with a port from 0 to 65535"));
  }
  endpoint.host = std::string(text.substr(0, colon));
  return endpoint;
}

absl::StatusOr<Roles> ParseRoles(absl::string_view text) {
  Roles roles{false, false, false};
  for (absl::string_view role : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    if (role == "api") {
      roles.api = true;
    } else if (role == "delivery") {
      roles.delivery = true;
    } else if (role == "duties") {
      roles.duties = true;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", role, "\" is no role; there are api, delivery and duties"));
    }
  }
  if (!roles.api && !roles.delivery && !roles.duties) {
    return absl::InvalidArgumentError("at least one role is needed: api, delivery, duties");
  }
  return roles;
}

absl::Status CheckConfig(const Config& config) {
  if (config.database_dsn.empty()) return absl::InvalidArgumentError("database.dsn is required");
  if (config.master_keys.empty()) return absl::InvalidArgumentError("master_keys is required");
  if (config.roles.api && config.operator_token.empty()) {
    return absl::InvalidArgumentError("operator_token is required");
  }
  if (config.lease < config.provider_timeout + kLeaseMargin) {
    return absl::InvalidArgumentError(
        "delivery.lease must be 10s longer than delivery.provider_timeout");
  }
  for (const auto& [account, rate] : config.limits.accounts) {
    if (FindAccount(config, account) != nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("limits.accounts.", account, ": is not an account"));
  }
  for (const auto check : {CheckTls, CheckAccountNames, CheckSandbox}) {
    if (absl::Status status = check(config); !status.ok()) return status;
  }
  if (absl::Status status = CheckUnsubscribe(config.unsubscribe); !status.ok()) return status;
  if (config.soft_bounces.days > config.soft_bounces.window_days) {
    return absl::InvalidArgumentError("soft_bounces.days must not exceed soft_bounces.window_days");
  }
  if (config.retention.contents > config.retention.emails) {
    return absl::InvalidArgumentError(
        "retention.contents must be at most retention.emails: contents go with their email");
  }
  if (!config.roles.delivery) return absl::OkStatus();
  return CheckRoutes(config);
}

}  // namespace herald::config
