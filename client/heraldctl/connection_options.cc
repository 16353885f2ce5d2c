#include "client/heraldctl/connection_options.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/parse.h"
#include "client/heraldctl/profile.h"

namespace herald::heraldctl {
namespace {

// By the address itself: a name that begins like one leads anywhere.
bool IsLocal(absl::string_view addr) {
  if (absl::StartsWith(addr, "unix:")) return true;
  if (!absl::ConsumePrefix(&addr, "ipv4:")) absl::ConsumePrefix(&addr, "ipv6:");
  const size_t colon = addr.rfind(':');
  if (colon != absl::string_view::npos && addr.find(']', colon) == absl::string_view::npos) {
    addr = addr.substr(0, colon);
  }
  if (addr == "localhost" || addr == "[::1]") return true;
  in_addr address;
  return inet_pton(AF_INET, std::string(addr).c_str(), &address) == 1 &&
         ntohl(address.s_addr) >> 24 == 127;
}

constexpr const char* kSettings[] = {"HERALD_ADDR",      "HERALD_TOKEN",   "HERALD_OPERATOR_TOKEN",
                                     "HERALD_TLS",       "HERALD_CA_FILE", "HERALD_CLIENT_CERT",
                                     "HERALD_CLIENT_KEY"};

bool SetsAny(const Environment& environment) {
  return std::any_of(std::begin(kSettings), std::end(kSettings),
                     [&](const char* name) { return !environment(name).empty(); });
}

// All the places a setting can come from, strongest first.
class Sources {
 public:
  static absl::StatusOr<Sources> Open(const ConnectionFlags& flags,
                                      const Environment& environment) {
    Sources sources(environment);
    if (!flags.profile.empty()) {
      auto named = ReadProfile(flags.profile);
      if (!named.ok()) return named.status();
      sources.named_ = *std::move(named);
    } else if (flags.addr.empty() && !SetsAny(environment) && access(kDevProfilePath, R_OK) == 0) {
      auto dev = ReadProfile(kDevProfilePath);
      if (!dev.ok()) return dev.status();
      sources.dev_ = *std::move(dev);
    }
    return sources;
  }

  std::string Get(const std::string& flag, const std::string& name) const {
    if (!flag.empty()) return flag;
    if (const auto found = named_.find(name); found != named_.end()) return found->second;
    if (const std::string value = environment_(name); !value.empty()) return value;
    if (const auto found = dev_.find(name); found != dev_.end()) return found->second;
    return "";
  }

 private:
  explicit Sources(const Environment& environment) : environment_(environment) {}

  Environment environment_;
  Profile named_;
  Profile dev_;
};

absl::StatusOr<client::TlsOptions> ResolveTls(const ConnectionFlags& flags, const Sources& sources,
                                              absl::string_view addr) {
  using Trust = client::TlsOptions::Trust;
  client::TlsOptions tls;
  tls.ca_file = sources.Get(flags.ca_file, "HERALD_CA_FILE");
  tls.client_certificate_file = sources.Get(flags.client_certificate, "HERALD_CLIENT_CERT");
  tls.client_key_file = sources.Get(flags.client_key, "HERALD_CLIENT_KEY");
  const std::string mode = sources.Get(flags.tls, "HERALD_TLS");
  if (mode == "none") {
    const std::string files =
        absl::StrCat(tls.ca_file, tls.client_certificate_file, tls.client_key_file);
    const std::string files_of_flags =
        absl::StrCat(flags.ca_file, flags.client_certificate, flags.client_key);
    // The flag goes before what the environment or a profile says, but not before another flag.
    if (!(flags.tls.empty() ? files : files_of_flags).empty()) {
      return UsageError("no TLS (none), and files for it: leave out one of them");
    }
    tls = client::TlsOptions();
    tls.trust = Trust::kPlainText;
  } else if (!tls.ca_file.empty()) {
    tls.trust = Trust::kCaFile;
  } else if (mode == "system" || (mode.empty() && !IsLocal(addr))) {
    tls.trust = Trust::kSystemRoots;
  } else if (mode.empty()) {
    tls.trust = Trust::kPlainText;
  } else {
    return UsageError("--tls (HERALD_TLS) is none or system");
  }
  return tls;
}

}  // namespace

absl::StatusOr<ConnectionSettings> ResolveConnection(const ConnectionFlags& flags,
                                                     const Environment& environment) {
  const auto sources = Sources::Open(flags, environment);
  if (!sources.ok()) return sources.status();
  const auto timeout = ParseDuration(flags.timeout);
  if (!timeout.ok()) return timeout.status();

  ConnectionSettings settings;
  settings.options.target = sources->Get(flags.addr, "HERALD_ADDR");
  if (settings.options.target.empty()) {
    return UsageError(absl::StrCat(
        "where is Herald? Pass --addr HOST:PORT, set HERALD_ADDR, or run `heraldd --dev`, which "
        "leaves a profile at ",
        kDevProfilePath,
        " for commands started in the same folder; that profile counts only where the environment "
        "sets nothing of Herald's"));
  }
  const auto tls = ResolveTls(flags, *sources, settings.options.target);
  if (!tls.ok()) return tls.status();
  settings.options.tls = *tls;
  settings.options.default_deadline = *timeout;
  settings.token = sources->Get(flags.token, "HERALD_TOKEN");
  settings.operator_token = sources->Get(flags.operator_token, "HERALD_OPERATOR_TOKEN");
  return settings;
}

}  // namespace herald::heraldctl
