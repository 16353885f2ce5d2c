#include "tests/unit/webhook/raw_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace herald::webhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

size_t ContentLength(const std::string& header) {
  constexpr char kName[] = "content-length: ";
  const size_t at = header.find(kName);
  return at == std::string::npos ? 0 : std::strtoul(&header[at + sizeof(kName) - 1], nullptr, 10);
}

}  // namespace

RawClient::RawClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd_);
    fd_ = -1;
  }
}

RawClient::~RawClient() {
  if (fd_ >= 0) close(fd_);
}

bool RawClient::Send(absl::string_view bytes) {
  while (fd_ >= 0 && !bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return fd_ >= 0;
}

bool RawClient::Fill(absl::Duration timeout) {
  pollfd waiting = {fd_, POLLIN, 0};
  if (fd_ < 0 || poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) <= 0) {
    return false;
  }
  char bytes[4096];
  const ssize_t got = recv(fd_, bytes, sizeof(bytes), 0);
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

int RawClient::ReadStatus() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill(kPatience)) return 0;
  }
  header_ = absl::AsciiStrToLower(buffer_.substr(0, end));
  const size_t whole = end + 4 + ContentLength(header_);
  while (buffer_.size() < whole) {
    if (!Fill(kPatience)) return 0;
  }
  buffer_.erase(0, whole);
  return std::atoi(header_.c_str() + sizeof("http/1.1"));
}

bool RawClient::AwaitClose(absl::Duration timeout) {
  pollfd waiting = {fd_, POLLIN, 0};
  while (fd_ >= 0 && poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) > 0) {
    char byte;
    if (recv(fd_, &byte, 1, 0) <= 0) return true;
  }
  return fd_ < 0;
}

std::string PostOf(absl::string_view account, const providers::WebhookRequest& webhook) {
  std::string text = absl::StrCat("POST /v1/webhooks/", account, " HTTP/1.1\r\nHost: sidecar\r\n");
  for (const auto& [name, value] : webhook.headers)
    absl::StrAppend(&text, name, ": ", value, "\r\n");
  absl::StrAppend(&text, "Content-Length: ", webhook.body.size(), "\r\n\r\n", webhook.body);
  return text;
}

int Post(uint16_t port, absl::string_view account, const providers::WebhookRequest& webhook) {
  RawClient client(port);
  client.Send(PostOf(account, webhook));
  return client.ReadStatus();
}

int Get(uint16_t port, absl::string_view path) {
  RawClient client(port);
  client.Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: sidecar\r\n\r\n"));
  return client.ReadStatus();
}

}  // namespace herald::webhook
