#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace herald::e2e {

// One unary call as bytes, past every generated type: what a broken or hostile caller can send.
struct RawCall {
  std::string method;   // "herald.v1.EmailService/SendEmail"
  std::string request;  // need not be a message
  std::string token;    // empty: no authorization
  std::map<std::string, std::string> metadata;
};

struct RawAnswer {
  absl::Status status;  // with the details of the answer as payloads, as herald_client gives them
  std::string response;
};

// Calls the shared stack on a connection of its own.
RawAnswer Send(const RawCall& call);

}  // namespace herald::e2e
