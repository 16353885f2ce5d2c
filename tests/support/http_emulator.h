#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::testing {

struct EmulatedRequest {
  std::string method;
  std::string target;
  int version = 0;                                           // 11: HTTP/1.1
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  int connection = 0;             // number of the connection, from 0
  int request_on_connection = 0;  // from 0: above 0 means that it was kept alive

  // The first value of a header (name in lower case), or nullopt.
  absl::optional<std::string> Header(absl::string_view name) const;
};

struct EmulatedReply {
  // What becomes of the answer once the request was read.
  enum class Fault {
    kNone,
    kClose,       // orderly end of the connection instead of an answer
    kReset,       // the same with RST
    kHalfAnswer,  // headers and half of the body, then the end
    kHang,        // nothing, until the client or the emulator goes away
  };
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  absl::Duration delay;  // before the answer or its fault
  Fault fault = Fault::kNone;
  bool close_after = false;  // "Connection: close"
};

// A scripted HTTP/1.1 server on a free loopback port, with keep-alive. It reads every request
// whole before `handler` decides, so that "accepted, then cut" is the handler's record followed by
// a fault. The handler runs on the emulator's one thread and must not block.
class HttpEmulator {
 public:
  using Handler = std::function<EmulatedReply(const EmulatedRequest&)>;

  explicit HttpEmulator(Handler handler, int port = 0);
  ~HttpEmulator();

  int port() const;
  // "http://127.0.0.1:<port>"
  std::string url() const;
  int connections() const;  // accepted so far
  int requests() const;     // read whole so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace herald::testing
