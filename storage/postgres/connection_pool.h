#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pqxx {
class connection_base;
}

namespace herald::storage {

struct PoolOptions {
  // libpq connection string or URI; several hosts are followed through a failover. Keepalives,
  // connect_timeout, tcp_user_timeout and target_session_attrs are added where it does not set
  // them.
  std::string dsn;
  int max_connections = 8;
  // How long Acquire waits for a free or a new connection.
  absl::Duration acquire_timeout = absl::Seconds(2);
  // A connection that is out longer than this is cut, and its user gets a broken link: a server
  // that is frozen or silently gone must not hold a thread for ever. Above every statement_timeout.
  absl::Duration lease_max = absl::Seconds(30);
};

// A bounded set of connections, opened when needed. Thread-safe. After a failed attempt to connect
// the whole pool backs off (50 ms, doubling to 2 s, jittered) with one attempt at a time, so that a
// server that comes back is not trampled. No connection carries session state: what a transaction
// needs, it sets itself (transaction.h), so PgBouncer in transaction mode may stand in between.
class ConnectionPool {
 public:
  explicit ConnectionPool(PoolOptions options);
  // Every lease must have ended.
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // Exclusive use of one connection; goes back when destroyed. One thread at a time.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    // Never reconnects by itself.
    pqxx::connection_base& connection() const;
    // Closes the connection instead of giving it back.
    void Discard() { discard_ = true; }

   private:
    friend class ConnectionPool;
    struct Link;
    Lease(ConnectionPool* pool, std::unique_ptr<Link> link);
    ConnectionPool* pool_;
    std::unique_ptr<Link> link_;
    bool discard_ = false;
  };

  // kUnavailable: none became free, or none could be opened, within acquire_timeout.
  absl::StatusOr<Lease> Acquire();

  struct Stats {
    int open = 0;  // idle or out
    int idle = 0;
    int waiting = 0;  // threads in Acquire that found none free
  };
  Stats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace herald::storage
