#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace herald::testing {

// What goes wrong with one request.
struct ResendFault {
  enum class Kind {
    kNone,
    kError,                // answers `status` and `name`; nothing is accepted
    kCutBeforeAccept,      // the connection ends, nothing is accepted
    kAcceptThenClose,      // accepted, then the connection ends without an answer
    kAcceptThenReset,      // the same with RST
    kAcceptThenHang,       // accepted, and never answered
    kAcceptThenHalfAnswer  // accepted, and the answer breaks off
  };
  Kind kind = Kind::kNone;
  int status = 500;
  std::string name = "application_error";  // empty: a body that is not JSON
  std::vector<std::pair<std::string, std::string>> headers;
  absl::Duration delay;  // before the answer, also without a fault
};

struct ResendEmulatorOptions {
  std::string
      ground_truth;  // file that gets a line per accepted email (ground_truth.h); may be empty
  std::string api_key = "re_test";
  int port = 0;
  bool idempotent = true;           // false: a repeated key is another email
  int requests_per_second_max = 0;  // 0: no limit
  // Decides for requests that no Script call covers, by number from 0. May be empty.
  std::function<ResendFault(int)> fault = nullptr;
  std::function<absl::Time()> clock = absl::Now;
};

// Resend's POST /emails and POST /emails/batch (strict, or permissive when asked to, as the
// official SDK does) as documented: mandatory User-Agent, keys, validation, rate limit, and
// idempotency for 24 hours. Senders at unverified.test have an unverified domain; the key
// "re_suspended" is suspended. Thread-safe.
class ResendEmulator {
 public:
  explicit ResendEmulator(ResendEmulatorOptions options = {});
  ~ResendEmulator();

  std::string url() const;
  int port() const;
  int requests() const;
  int kept_alive() const;  // requests that were not the first of their connection
  int accepted() const;    // emails taken, repetitions not counted
  // For the next request that no earlier call covers.
  void Script(ResendFault fault);
  // The latest request's body and headers as "name: value" lines.
  std::string last_body() const;
  std::string last_header(const std::string& name) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace herald::testing
