#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"

namespace herald::support {
namespace {

// Above this much unwritten data an end is not read: the sender feels a slow receiver.
constexpr size_t kPendingMax = 1 << 20;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// The peer sees a reset instead of an orderly end.
void CloseHard(int& fd) {
  if (fd < 0) return;
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close(fd);
  fd = -1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpGate>> TcpGate::Start(int target_port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener < 0 || wakeup < 0 || bind(listener, generic, length) != 0 ||
      listen(listener, 128) != 0 || getsockname(listener, generic, &length) != 0) {
    const std::string error = std::strerror(errno);
    if (listener >= 0) close(listener);
    if (wakeup >= 0) close(wakeup);
    return absl::InternalError(absl::StrCat("gate: ", error));
  }
  return std::unique_ptr<TcpGate>(
      new TcpGate(listener, wakeup, ntohs(address.sin_port), target_port));
}

TcpGate::TcpGate(int listener, int wakeup, int port, int target_port)
    : listener_(listener), wakeup_(wakeup), port_(port), target_port_(target_port), thread_([this] {
        Loop();
      }) {}

TcpGate::~TcpGate() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  absl::MutexLock lock(&mu_);
  for (Connection& connection : connections_) Reset(connection);
  close(listener_);
  close(wakeup_);
}

void TcpGate::SetMode(Mode mode) {
  absl::MutexLock lock(&mu_);
  mode_ = mode;
  if (mode == Mode::kCut) {
    for (Connection& connection : connections_) Reset(connection);
  }
  Wake();
}

void TcpGate::Pass() { SetMode(Mode::kPass); }
void TcpGate::Cut() { SetMode(Mode::kCut); }
void TcpGate::Blackhole() { SetMode(Mode::kBlackhole); }

void TcpGate::ResetAll() {
  absl::MutexLock lock(&mu_);
  for (Connection& connection : connections_) Reset(connection);
  Wake();
}

void TcpGate::SilenceAll() {
  absl::MutexLock lock(&mu_);
  for (Connection& connection : connections_) connection.silent = true;
  Wake();
}

void TcpGate::CutWhenSeen(Direction direction, absl::string_view bytes, CutPoint point,
                          absl::string_view after) {
  absl::MutexLock lock(&mu_);
  pattern_ = std::string(bytes);
  after_ = std::string(after);
  pattern_from_ = direction == Direction::kFromClient ? 0 : 1;
  cut_point_ = point;
  cut_fired_ = false;
  for (Connection& connection : connections_) {
    for (const int end : {0, 1}) {
      connection.tail[end].clear();
      connection.seen_after[end] = after_.empty();
    }
    connection.awaited_reply_from.reset();
  }
}

bool TcpGate::WaitForCut(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&cut_fired_), timeout);
}

int TcpGate::accepted() const {
  absl::MutexLock lock(&mu_);
  return accepted_;
}

void TcpGate::Wake() {
  const uint64_t one = 1;
  const ssize_t ignored = write(wakeup_, &one, sizeof(one));
  static_cast<void>(ignored);
}

void TcpGate::Loop() {
  struct Interest {
    Connection* connection;
    int end;
  };
  while (true) {
    std::vector<pollfd> fds = {{wakeup_, POLLIN, 0}, {listener_, POLLIN, 0}};
    std::vector<Interest> interests;
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      connections_.remove_if([](const Connection& connection) { return connection.Over(); });
      for (Connection& connection : connections_) {
        if (mode_ == Mode::kBlackhole) break;
        if (connection.silent) continue;
        for (int end : {0, 1}) {
          const bool read =
              !connection.read_end[end] && connection.pending[1 - end].size() < kPendingMax;
          const bool write = !connection.pending[end].empty();
          // An end of which nothing is wanted is left out: poll would report its hang-up for ever.
          if (connection.fd[end] < 0 || (!read && !write)) continue;
          const int events = (read ? POLLIN : 0) | (write ? POLLOUT : 0);
          fds.push_back({connection.fd[end], static_cast<short>(events), 0});
          interests.push_back({&connection, end});
        }
      }
    }
    poll(fds.data(), fds.size(), -1);

    absl::MutexLock lock(&mu_);
    uint64_t count = 0;
    const ssize_t ignored = read(wakeup_, &count, sizeof(count));
    static_cast<void>(ignored);
    if (mode_ != Mode::kBlackhole) {
      for (size_t i = 0; i < interests.size(); ++i) {
        Connection& connection = *interests[i].connection;
        const int end = interests[i].end;
        const short events = fds[i + 2].revents;
        if (connection.fd[end] != fds[i + 2].fd || connection.silent) continue;  // changed since
        if ((events & POLLOUT) != 0) Write(connection, end);
        if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) Read(connection, end);
      }
    }
    if (fds[1].revents != 0) AcceptOne();
  }
}

void TcpGate::AcceptOne() {
  int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ++accepted_;
  if (mode_ == Mode::kCut) {
    CloseHard(client);
    return;
  }
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in target = Loopback(target_port_);
  const int connected = connect(server, reinterpret_cast<const sockaddr*>(&target), sizeof(target));
  Connection& connection = connections_.emplace_back();
  connection.seen_after[0] = connection.seen_after[1] = after_.empty();
  connection.fd[0] = client;
  connection.fd[1] = server;
  const int on = 1;
  for (int fd : connection.fd) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connected != 0 && errno != EINPROGRESS) Reset(connection);
}

void TcpGate::Read(Connection& connection, int end) {
  char buffer[64 * 1024];
  const ssize_t n = recv(connection.fd[end], buffer, sizeof(buffer), 0);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) Reset(connection);
    return;
  }
  if (n == 0) {
    connection.read_end[end] = true;
  } else {
    const absl::string_view bytes(buffer, static_cast<size_t>(n));
    if (CutIfSeen(connection, end, bytes)) return;
    if (connection.fd[1 - end] < 0) return;  // draining
    connection.pending[1 - end].append(bytes.data(), bytes.size());
  }
  Write(connection, 1 - end);
}

// What may still be the beginning of `wanted`, or what follows it where it was `found`.
void TcpGate::KeepTail(std::string& tail, size_t found, absl::string_view wanted) {
  if (found != std::string::npos) {
    tail.erase(0, found + wanted.size());
  } else if (tail.size() >= wanted.size()) {
    tail.erase(0, tail.size() - wanted.size() + 1);
  }
}

bool TcpGate::CutIfSeen(Connection& connection, int end, absl::string_view bytes) {
  if (connection.awaited_reply_from == end) {
    connection.awaited_reply_from.reset();
    FireCut(connection, 1 - end);
    return true;
  }
  if (pattern_.empty() || end != pattern_from_) return false;
  std::string& tail = connection.tail[end];
  tail.append(bytes.data(), bytes.size());
  if (!connection.seen_after[end]) {
    const size_t found = tail.find(after_);
    connection.seen_after[end] = found != std::string::npos;
    KeepTail(tail, found, after_);
    if (!connection.seen_after[end]) return false;
  }
  if (tail.find(pattern_) == std::string::npos) {
    KeepTail(tail, std::string::npos, pattern_);
    return false;
  }
  pattern_.clear();
  if (cut_point_ == CutPoint::kAtReply) {
    connection.awaited_reply_from = 1 - end;
    return false;
  }
  if (cut_point_ == CutPoint::kAfterForwarding) {
    connection.pending[1 - end].append(bytes.data(), bytes.size());
  }
  FireCut(connection, end);
  return true;
}

// The sender is reset; the receiver gets what is pending, then an orderly end, and is read until it
// closes, so that no reset destroys what it has not read yet.
void TcpGate::FireCut(Connection& connection, int end) {
  CloseHard(connection.fd[end]);
  connection.read_end[end] = true;
  connection.told_end[end] = true;
  connection.pending[end].clear();
  Write(connection, 1 - end);
  cut_fired_ = true;
}

void TcpGate::Write(Connection& connection, int end) {
  std::string& pending = connection.pending[end];
  if (!pending.empty()) {
    const ssize_t n = send(connection.fd[end], pending.data(), pending.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) Reset(connection);
      return;
    }
    pending.erase(0, static_cast<size_t>(n));
  }
  if (pending.empty() && connection.read_end[1 - end] && !connection.told_end[end]) {
    connection.told_end[end] = true;
    shutdown(connection.fd[end], SHUT_WR);
  }
  if (!connection.Over()) return;
  for (int& fd : connection.fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
}

void TcpGate::Reset(Connection& connection) {
  for (int end : {0, 1}) {
    CloseHard(connection.fd[end]);
    connection.pending[end].clear();
    connection.read_end[end] = true;
    connection.told_end[end] = true;
  }
}

}  // namespace herald::support
