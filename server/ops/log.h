#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "server/ops/log_keys.h"

// The log: one JSON object a line on standard error.
//
//   {"time":"2026-03-01T10:00:00.123Z","severity":"INFO","event":"email_sent","email_id":"em_…"}
//
// No address or body is logged at any level: keys come from a closed list (log_keys.h), and what
// looks like an address inside a value is masked all the same.
namespace herald::ops {

enum class Severity : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

// "debug", "info", "warning" or "error", as in the configuration.
absl::optional<Severity> SeverityFromName(absl::string_view name);

class LogValue {
 public:
  // Implicit, so that a line reads like the object it becomes.
  // NOLINTBEGIN(google-explicit-constructor)
  LogValue(bool value) : value_(value) {}
  LogValue(std::integral auto value) : value_(static_cast<int64_t>(value)) {}
  LogValue(double value) : value_(value) {}
  LogValue(absl::string_view value) : value_(value) {}
  LogValue(const std::string& value) : value_(absl::string_view(value)) {}
  LogValue(const char* value) : value_(absl::string_view(value)) {}
  // NOLINTEND(google-explicit-constructor)

  using Any = std::variant<bool, int64_t, double, absl::string_view>;
  const Any& get() const { return value_; }

 private:
  Any value_;
};

struct LogField {
  LogKey key;
  LogValue value;  // text is borrowed for the call
};

struct LogOptions {
  Severity min_severity = Severity::kInfo;
  int fd = 2;  // borrowed
  // Lines that may wait for a slow reader. When it is full the oldest are dropped, and a line
  // `log_lines_dropped` says how many: logging never holds up mail.
  int queue_lines_max = 8192;
};

// From here on lines are written by a thread of their own; before, and after StopLog, the caller
// writes them itself. Call once at a time, from the composition root. Registers StopLog to run at
// exit.
void StartLog(const LogOptions& options);

// Writes what waits and ends the thread. Safe to call twice.
void StopLog();

// Writes a line; `event` is a literal in lower_case_with_underscores that names what happened. Safe
// for concurrent use; never throws. Below the minimum severity it costs one load.
void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields = {});

// The line without its line end, as Log would write it.
std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view event,
                          std::initializer_list<LogField> fields);

// `text` with everything that looks like an email address replaced by "[address]". Masks too much
// rather than too little.
std::string MaskAddresses(absl::string_view text);

}  // namespace herald::ops
