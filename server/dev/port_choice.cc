#include "server/dev/port_choice.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace herald::dev {
namespace {

struct Bound {
  int fd = -1;  // of a socket that does not listen; -1 when `port` could not be had
  int port = 0;
};

Bound Bind(const std::string& host, int wanted) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(wanted));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(fd);
    return {};
  }
  return {fd, ntohs(address.sin_port)};
}

bool NobodyListens(const std::string& host, int port) {
  const Bound bound = Bind(host, port);
  if (bound.fd < 0) return false;
  const bool listens = listen(bound.fd, 1) == 0;
  close(bound.fd);
  return listens;
}

}  // namespace

int ChoosePort(const std::string& host, int wanted) {
  // Without listening, and never closed: this is what keeps the port.
  return Bind(host, NobodyListens(host, wanted) ? wanted : 0).port;
}

}  // namespace herald::dev
