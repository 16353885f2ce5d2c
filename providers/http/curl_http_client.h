#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "providers/http/http_client.h"

namespace herald::providers {

struct CurlHttpClientOptions {
  // At one origin (scheme, host, port) and over all. Requests above that wait inside the client,
  // in order, and their timeout runs meanwhile.
  int origin_connections_max = 64;
  int connections_max = 1024;
  // Requests that may wait; above that they are refused as kNotSent.
  int waiting_max = 65536;
  // A connection idle for longer is not reused. Keep it below the provider's own idle timeout: a
  // request sent on a connection that the provider is just closing is kUnknown.
  absl::Duration connection_idle_max = absl::Seconds(50);
  // PEM file of trusted authorities; empty: the system's.
  std::string ca_file;
  // Proxy URL; empty: none, whatever the environment says.
  std::string proxy;
};

// An HttpClient on libcurl's multi interface: one thread, HTTP/1.1, kept-alive connections, TLS
// verified. Process-wide libcurl state is set up on first use.
//
// A `done` must not Send again once the destructor runs.
std::unique_ptr<HttpClient> MakeCurlHttpClient(const CurlHttpClientOptions& options);

}  // namespace herald::providers
