#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/client_options.h"

namespace herald::heraldctl {

// Flags that concern the connection; empty: not given.
struct ConnectionFlags {
  std::string addr;
  std::string token;
  std::string operator_token;
  std::string profile;
  std::string tls;  // none | system
  std::string ca_file;
  std::string client_certificate;
  std::string client_key;
  std::string timeout = "10s";
};

// What the flags, the environment and the profile add up to.
struct ConnectionSettings {
  client::ClientOptions options;  // without a token
  std::string token;
  std::string operator_token;
};

// Looks up an environment variable; empty: not set.
using Environment = std::function<std::string(const std::string& name)>;

// Each setting comes from the first of: its flag, the file named by --profile, the environment. The
// profile that `heraldd --dev` left below the current folder counts only where none of them names
// another place, which --addr, --profile and anything set in the environment do: its tokens are for
// its own server. Without a word about TLS, loopback addresses and unix sockets are plain text and
// everything else is TLS with the system's roots.
absl::StatusOr<ConnectionSettings> ResolveConnection(const ConnectionFlags& flags,
                                                     const Environment& environment);

}  // namespace herald::heraldctl
