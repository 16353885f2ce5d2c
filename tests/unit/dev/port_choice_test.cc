#include "server/dev/port_choice.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace herald::dev {
namespace {

constexpr char kHost[] = "127.0.0.1";

// A TCP socket on a port of this host.
class Socket {
 public:
  Socket(int port, bool reuse) {
    const int option = reuse ? 1 : 0;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &option, sizeof(option));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bound_ = bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool bound() const { return bound_; }
  bool Listens() const { return bound_ && listen(fd_, 1) == 0; }

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool bound_ = false;
};

int Chosen(int wanted) { return ChoosePort(kHost, wanted); }

TEST(PortChoice, TakesAnotherThanOneOnWhichSomebodyListens) {
  const int port = Chosen(0);
  ASSERT_GT(port, 0);
  const Socket server(port, true);
  ASSERT_TRUE(server.Listens());
  EXPECT_NE(Chosen(port), port);
}

TEST(PortChoice, TakesTheOneThatIsWantedWhenItIsFree) {
  const int port = Chosen(0);
  EXPECT_EQ(Chosen(port), port);
}

// What the kernel looks for on behalf of a connection is a port that nobody has bound.
TEST(PortChoice, KeepsThePortForAServerThatStartsLater) {
  const int port = Chosen(0);
  EXPECT_FALSE(Socket(port, false).bound());
  EXPECT_TRUE(Socket(port, true).Listens());
}

}  // namespace
}  // namespace herald::dev
