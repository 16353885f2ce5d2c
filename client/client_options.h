#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::client {

// How the connection is protected. All files are PEM and read once, by Client::Create.
struct TlsOptions {
  enum class Trust {
    kPlainText,    // no TLS: the token travels readable; for loopback and trusted meshes
    kSystemRoots,  // certificates that the machine trusts
    kCaFile,       // only certificates under `ca_file`
  };
  Trust trust = Trust::kSystemRoots;
  std::string ca_file;
  // For servers that ask for a client certificate: both or neither.
  std::string client_certificate_file;
  std::string client_key_file;
};

// Waits between tries grow from `initial_backoff`, doubling up to `max_backoff`; each wait is a
// random part of that, in addition to what the server asks for by RetryInfo.
struct RetryPolicy {
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);
};

// Time and chance, replaceable in tests. Empty functions stand for the real thing. They are called
// from every thread that calls the client.
struct Timing {
  std::function<absl::Time()> now;
  std::function<void(absl::Duration)> sleep;
  std::function<double()> random;  // in [0, 1)
};

struct ClientOptions {
  // Where Herald is, as gRPC names it: "herald.example.com:443", "dns:///…", "unix:…". Required.
  std::string target;
  // API token, sent as `authorization: Bearer …`; empty: no such metadata.
  std::string token;
  TlsOptions tls;
  // Longest duration of a call, all tries together.
  absl::Duration default_deadline = absl::Seconds(10);
  RetryPolicy retry;
  Timing timing;
};

// What one call may change.
struct CallOptions {
  // Instead of ClientOptions::default_deadline.
  absl::optional<absl::Duration> deadline;
  // W3C traceparent of the caller's span; empty: none is sent.
  std::string traceparent;
};

}  // namespace herald::client
