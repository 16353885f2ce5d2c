#include "storage/postgres/connection_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <pqxx/pqxx>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"
#include "model/steady_time.h"
#include "storage/postgres/connection_string.h"

namespace herald::storage {
namespace {

constexpr absl::Duration kBackoffMin = absl::Milliseconds(50);
constexpr absl::Duration kBackoffMax = absl::Seconds(2);
constexpr absl::Duration kWatchInterval = absl::Seconds(1);

absl::Duration Backoff(int failures) {
  const absl::Duration full =
      std::min(kBackoffMax, kBackoffMin * (int64_t{1} << std::min(failures - 1, 10)));
  thread_local absl::BitGen random;
  return full * absl::Uniform(random, 0.5, 1.0);
}

// An idle connection has nothing to read: what is readable is its end, or the server's farewell.
bool LooksAlive(const pqxx::connection_base& connection) {
  pollfd fd{connection.sock(), POLLIN, 0};
  return fd.fd >= 0 && ::poll(&fd, 1, 0) == 0;
}

}  // namespace

struct ConnectionPool::Lease::Link {
  explicit Link(const std::string& dsn) : connection(dsn) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    // A reconnect in the middle of a transaction would go on without the transaction.
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    guard_fd = ::fcntl(connection.sock(), F_DUPFD_CLOEXEC, 0);
  }
  ~Link() { ::close(guard_fd); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  pqxx::connection connection;
  // A second handle on the socket: its number cannot be reused while the watcher cuts it, however
  // the connection's user fares meanwhile.
  int guard_fd = -1;
  absl::Time out_since;
  bool cut = false;
};

struct ConnectionPool::State {
  using Link = Lease::Link;

  explicit State(PoolOptions o) : options(std::move(o)), dsn(WithLinkDefaults(options.dsn)) {}

  std::unique_ptr<Link> TakeIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  bool MayConnect(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  std::unique_ptr<Link> Connect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void Lend(Link* link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void GiveBack(std::unique_ptr<Link> link, bool discard);
  void WatchLeases();

  const PoolOptions options;
  const std::string dsn;

  absl::Mutex mu;
  absl::CondVar changed;
  std::vector<std::unique_ptr<Link>> idle ABSL_GUARDED_BY(mu);
  std::vector<Link*> out ABSL_GUARDED_BY(mu);
  int connecting ABSL_GUARDED_BY(mu) = 0;
  int waiting ABSL_GUARDED_BY(mu) = 0;
  int failures ABSL_GUARDED_BY(mu) = 0;  // to connect, in a row
  absl::Time next_attempt ABSL_GUARDED_BY(mu) = absl::InfinitePast();
  bool stopping ABSL_GUARDED_BY(mu) = false;
  std::thread watcher;
};

std::unique_ptr<ConnectionPool::Lease::Link> ConnectionPool::State::TakeIdle() {
  while (!idle.empty()) {
    std::unique_ptr<Link> link = std::move(idle.back());
    idle.pop_back();
    if (LooksAlive(link->connection)) return link;
  }
  return nullptr;
}

bool ConnectionPool::State::MayConnect(absl::Time now) const {
  const int used = static_cast<int>(idle.size() + out.size()) + connecting;
  if (used >= options.max_connections) return false;
  return failures == 0 || (connecting == 0 && now >= next_attempt);
}

// Connects without the lock; nullptr when that failed.
std::unique_ptr<ConnectionPool::Lease::Link> ConnectionPool::State::Connect() {
  ++connecting;
  mu.Unlock();
  std::unique_ptr<Link> link;
  try {
    link = std::make_unique<Link>(dsn);
  } catch (const std::exception&) {
    // Counted below; the server's text may name hosts and users and is not passed on.
  }
  mu.Lock();
  --connecting;
  if (link != nullptr) {
    failures = 0;
  } else {
    ++failures;
    next_attempt = SteadyNow() + Backoff(failures);
  }
  changed.SignalAll();
  return link;
}

void ConnectionPool::State::Lend(Link* link) {
  link->out_since = SteadyNow();
  out.push_back(link);
}

void ConnectionPool::State::GiveBack(std::unique_ptr<Link> link, bool discard) {
  {
    absl::MutexLock lock(&mu);
    out.erase(std::find(out.begin(), out.end(), link.get()));
    if (!discard && !link->cut && link->connection.is_open()) idle.push_back(std::move(link));
    changed.Signal();
  }
  // A discarded link closes here, outside the lock.
}

void ConnectionPool::State::WatchLeases() {
  absl::MutexLock lock(&mu);
  while (!stopping) {
    const absl::Time overdue = SteadyNow() - options.lease_max;
    for (Link* link : out) {
      if (link->cut || link->out_since > overdue) continue;
      link->cut = true;
      ::shutdown(link->guard_fd, SHUT_RDWR);
    }
    AwaitSteadily(mu, absl::Condition(&stopping), std::min(kWatchInterval, options.lease_max));
    // Whoever waits for a connection does so by the host's clock, which may have been set back.
    changed.SignalAll();
  }
}

ConnectionPool::Lease::Lease(ConnectionPool* pool, std::unique_ptr<Link> link)
    : pool_(pool), link_(std::move(link)) {}

ConnectionPool::Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), link_(std::move(other.link_)), discard_(other.discard_) {}

ConnectionPool::Lease::~Lease() {
  if (link_ != nullptr) pool_->state_->GiveBack(std::move(link_), discard_);
}

pqxx::connection_base& ConnectionPool::Lease::connection() const { return link_->connection; }

ConnectionPool::ConnectionPool(PoolOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
  state_->watcher = std::thread([state = state_.get()] { state->WatchLeases(); });
}

ConnectionPool::~ConnectionPool() {
  {
    absl::MutexLock lock(&state_->mu);
    state_->stopping = true;
  }
  state_->watcher.join();
}

absl::StatusOr<ConnectionPool::Lease> ConnectionPool::Acquire() {
  State& s = *state_;
  const absl::Time deadline = SteadyNow() + s.options.acquire_timeout;
  absl::MutexLock lock(&s.mu);
  while (true) {
    std::unique_ptr<Lease::Link> link = s.TakeIdle();
    const absl::Time now = SteadyNow();
    if (link == nullptr && s.MayConnect(now)) link = s.Connect();
    if (link != nullptr) {
      s.Lend(link.get());
      return Lease(this, std::move(link));
    }
    if (now >= deadline) {
      return absl::UnavailableError(s.failures > 0 ? "the database cannot be reached"
                                                   : "no database connection became free in time");
    }
    const bool backing_off = s.failures > 0 && s.connecting == 0 && s.next_attempt > now;
    ++s.waiting;
    const absl::Time until = backing_off ? std::min(deadline, s.next_attempt) : deadline;
    s.changed.WaitWithTimeout(&s.mu, until - now);
    --s.waiting;
  }
}

ConnectionPool::Stats ConnectionPool::stats() const {
  absl::MutexLock lock(&state_->mu);
  return {static_cast<int>(state_->idle.size() + state_->out.size()),
          static_cast<int>(state_->idle.size()), state_->waiting};
}

}  // namespace herald::storage
