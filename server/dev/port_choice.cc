#include "server/dev/port_choice.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace herald::dev {
namespace {

// A socket bound to `endpoint`, whose port becomes what it is bound to; -1 when that cannot be.
int Bound(config::Endpoint* endpoint) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(endpoint->port));
  inet_pton(AF_INET, endpoint->host.c_str(), &address.sin_addr);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(fd);
    return -1;
  }
  endpoint->port = ntohs(address.sin_port);
  return fd;
}

bool NobodyListens(config::Endpoint endpoint) {
  const int fd = Bound(&endpoint);
  if (fd < 0) return false;
  const bool listens = listen(fd, 1) == 0;
  close(fd);
  return listens;
}

}  // namespace

void ChoosePort(config::Endpoint* endpoint) {
  if (!NobodyListens(*endpoint)) endpoint->port = 0;
  Bound(endpoint);  // without listening, and never closed: this is what keeps the port
}

}  // namespace herald::dev
