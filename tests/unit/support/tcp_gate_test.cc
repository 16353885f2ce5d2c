#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "tests/support/status_matchers.h"

namespace herald::support {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

sockaddr_in Address(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// Closes its file descriptor.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    const timeval limit{30, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  Socket(const Socket&) = delete;
  ~Socket() { close(fd_); }

  int fd() const { return fd_; }
  void Send(absl::string_view text) const {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // What was received; "<end>" or "<reset>" when nothing more comes.
  std::string Receive() const {
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n > 0) return std::string(buffer, static_cast<size_t>(n));
    if (n == 0) return "<end>";
    return errno == ECONNRESET ? "<reset>" : "<timeout>";
  }

 private:
  const int fd_;
};

class TcpGateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = Address(0);
    socklen_t length = sizeof(address);
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(listen(listener_, 8), 0);
    ASSERT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    ASSERT_OK_AND_ASSIGN(gate_, TcpGate::Start(ntohs(address.sin_port)));
  }
  void TearDown() override { close(listener_); }

  std::unique_ptr<Socket> Connect() const {
    const sockaddr_in address = Address(gate_->port());
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return std::make_unique<Socket>(fd);
  }
  std::unique_ptr<Socket> Accept() const {
    return std::make_unique<Socket>(accept(listener_, nullptr, nullptr));
  }

  int listener_ = -1;
  std::unique_ptr<TcpGate> gate_;
};

TEST_F(TcpGateTest, PassesBothWaysAndTheEnd) {
  auto client = Connect();
  auto server = Accept();
  client->Send("question");
  EXPECT_EQ(server->Receive(), "question");
  shutdown(client->fd(), SHUT_WR);
  EXPECT_EQ(server->Receive(), "<end>");
  server->Send("answer");
  EXPECT_EQ(client->Receive(), "answer");
  EXPECT_EQ(gate_->accepted(), 1);
}

TEST_F(TcpGateTest, PassesMoreThanFitsIntoItsBuffers) {
  auto client = Connect();
  auto server = Accept();
  const std::string block(1 << 20, 'x');
  std::thread sender([&] {
    for (int i = 0; i < 16; ++i) client->Send(block);
    shutdown(client->fd(), SHUT_WR);
  });
  size_t total = 0;
  for (std::string part = server->Receive(); part != "<end>"; part = server->Receive()) {
    ASSERT_EQ(part[0], 'x');
    total += part.size();
  }
  sender.join();
  EXPECT_EQ(total, 16 * block.size());
}

TEST_F(TcpGateTest, SilenceHoldsOldConnectionsBackForGoodAndLetsNewOnesPass) {
  auto old_client = Connect();
  auto old_server = Accept();
  old_client->Send("before");
  EXPECT_EQ(old_server->Receive(), "before");
  gate_->SilenceAll();
  old_client->Send("after");
  auto client = Connect();
  auto server = Accept();
  client->Send("new");
  EXPECT_EQ(server->Receive(), "new");
  char byte = 0;
  EXPECT_EQ(recv(old_server->fd(), &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(TcpGateTest, CutResetsOldAndNewConnectionsUntilPass) {
  auto client = Connect();
  auto server = Accept();
  client->Send("x");
  EXPECT_EQ(server->Receive(), "x");
  gate_->Cut();
  EXPECT_EQ(client->Receive(), "<reset>");
  EXPECT_EQ(server->Receive(), "<reset>");
  EXPECT_EQ(Connect()->Receive(), "<reset>");
  gate_->Pass();
  auto again = Connect();
  again->Send("y");
  EXPECT_EQ(Accept()->Receive(), "y");
}

TEST_F(TcpGateTest, ResetAllLeavesNewConnectionsAlone) {
  auto client = Connect();
  auto server = Accept();
  gate_->ResetAll();
  EXPECT_EQ(client->Receive(), "<reset>");
  auto again = Connect();
  again->Send("y");
  EXPECT_EQ(Accept()->Receive(), "y");
}

TEST_F(TcpGateTest, BlackholeHoldsBytesBackUntilPass) {
  auto client = Connect();
  auto server = Accept();
  gate_->Blackhole();
  client->Send("late");
  char byte = 0;
  const timeval limit{0, 100 * 1000};
  setsockopt(server->fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  EXPECT_EQ(recv(server->fd(), &byte, 1, 0), -1);
  gate_->Pass();
  const timeval patient{30, 0};
  setsockopt(server->fd(), SOL_SOCKET, SO_RCVTIMEO, &patient, sizeof(patient));
  EXPECT_EQ(server->Receive(), "late");
}

TEST_F(TcpGateTest, CutsBeforeTheBytesArrive) {
  gate_->CutWhenSeen(TcpGate::Direction::kFromClient, "COMMIT",
                     TcpGate::CutPoint::kBeforeForwarding);
  auto client = Connect();
  auto server = Accept();
  client->Send("INSERT");
  EXPECT_EQ(server->Receive(), "INSERT");
  client->Send("COMMIT");
  EXPECT_EQ(server->Receive(), "<end>");
  EXPECT_EQ(client->Receive(), "<reset>");
  EXPECT_TRUE(gate_->WaitForCut(kLong));
}

TEST_F(TcpGateTest, CutsAfterTheBytesArrived) {
  gate_->CutWhenSeen(TcpGate::Direction::kFromClient, "COMMIT",
                     TcpGate::CutPoint::kAfterForwarding);
  auto client = Connect();
  auto server = Accept();
  client->Send("COMMIT");
  EXPECT_EQ(client->Receive(), "<reset>");
  EXPECT_EQ(server->Receive(), "COMMIT");
  EXPECT_EQ(server->Receive(), "<end>");
}

TEST_F(TcpGateTest, SwallowsTheReplyAndCuts) {
  gate_->CutWhenSeen(TcpGate::Direction::kFromClient, "COMMIT", TcpGate::CutPoint::kAtReply);
  auto client = Connect();
  auto server = Accept();
  client->Send("COMMIT");
  EXPECT_EQ(server->Receive(), "COMMIT");
  EXPECT_FALSE(gate_->WaitForCut(absl::ZeroDuration()));
  server->Send("DONE");
  EXPECT_EQ(client->Receive(), "<reset>");
  EXPECT_EQ(server->Receive(), "<end>");
  EXPECT_TRUE(gate_->WaitForCut(kLong));
}

TEST_F(TcpGateTest, SeesBytesThatComeInPiecesAndFromTheServer) {
  gate_->CutWhenSeen(TcpGate::Direction::kFromServer, "250 OK",
                     TcpGate::CutPoint::kBeforeForwarding);
  auto client = Connect();
  auto server = Accept();
  server->Send("250");
  EXPECT_EQ(client->Receive(), "250");
  server->Send(" OK");
  EXPECT_EQ(server->Receive(), "<reset>");
  EXPECT_EQ(client->Receive(), "<end>");
}

TEST_F(TcpGateTest, CutsOnlyOnce) {
  gate_->CutWhenSeen(TcpGate::Direction::kFromClient, "COMMIT",
                     TcpGate::CutPoint::kAfterForwarding);
  {
    auto client = Connect();
    auto server = Accept();
    client->Send("COMMIT");
    EXPECT_EQ(client->Receive(), "<reset>");
  }
  auto client = Connect();
  auto server = Accept();
  client->Send("COMMIT");
  EXPECT_EQ(server->Receive(), "COMMIT");
  server->Send("DONE");
  EXPECT_EQ(client->Receive(), "DONE");
}

}  // namespace
}  // namespace herald::support
