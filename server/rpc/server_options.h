#pragma once

#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::rpc {

// Paths of PEM files, read once at start.
struct TlsFiles {
  std::string certificate_chain;
  std::string private_key;
  // Set: mutual TLS, a client must show a certificate that one of these authorities signed.
  std::string client_authorities;
};

struct WatchOptions {
  // A stream with nothing new is looked at after poll_min, then ever more rarely, up to poll_max.
  absl::Duration poll_min = absl::Milliseconds(50);
  absl::Duration poll_max = absl::Milliseconds(500);
  // A stream without events gets its cursor as a sign of life so often.
  absl::Duration heartbeat = absl::Seconds(30);
  // Streams at a time; more are refused with UNAVAILABLE (OVERLOADED).
  int streams_max = 1000;
};

struct ServerOptions {
  std::string listen_address = "127.0.0.1:0";  // port 0: one that is free
  absl::optional<TlsFiles> tls;                // nullopt: plain text
  int polling_threads = 1;                     // completion queues, with one thread each
  int calls_in_flight_max = 2048;
  int executor_threads = 8;  // for methods that block on the database
  int executor_queue_max = 1024;
  int search_threads = 3;         // for methods that may look at very many rows
  int searches_waiting_max = 64;  // of one tenant; more are refused with UNAVAILABLE (OVERLOADED)
  int message_bytes_max = 16 << 20;
  int metadata_bytes_max = 8 << 10;
  int streams_per_connection_max = 256;
  int memory_bytes_max = 512 << 20;  // of gRPC's own buffers
  // Connections are asked to come again after this age, so that clients spread over replicas.
  absl::Duration connection_age_max = absl::Minutes(30);
  absl::Duration connection_age_grace = absl::Minutes(1);
  // Peers that ping more often are cut off.
  absl::Duration keepalive_interval_min = absl::Seconds(10);
  absl::Duration readiness_interval = absl::Seconds(1);
  WatchOptions watch;
};

}  // namespace herald::rpc
