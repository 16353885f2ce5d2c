#include "server/ops/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace herald::ops {
namespace {

constexpr absl::string_view kSeverityNames[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

[[maybe_unused]] bool IsEventName(absl::string_view event) {
  for (char c : event) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return !event.empty();
}

void WriteLine(int fd, std::string line) {
  line.push_back('\n');
  // One write for a whole line, so that lines of several processes on one pipe do not mix.
  absl::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody reads: there is no other place to say so
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

// Runs on the log's thread, so what it says about dropped lines is itself never dropped.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}

  // Before the first line; `pool` outlives every call of sink_it_, which its thread makes.
  void Watch(spdlog::details::thread_pool* pool) { pool_ = pool; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const size_t dropped = pool_->overrun_counter();
    if (dropped > reported_) {
      WriteLine(fd_, FormatLogLine(absl::Now(), Severity::kWarning, "log_lines_dropped",
                                   {{"count", dropped - reported_}}));
      reported_ = dropped;
    }
    WriteLine(fd_, std::string(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

 private:
  const int fd_;
  spdlog::details::thread_pool* pool_ = nullptr;
  size_t reported_ = 0;
};

// What StartLog sets up.
struct Writer {
  explicit Writer(const LogOptions& options)
      : pool(std::make_shared<spdlog::details::thread_pool>(
            static_cast<size_t>(options.queue_lines_max), 1)) {
    auto sink = std::make_shared<DescriptorSink>(options.fd);
    sink->Watch(pool.get());
    logger = std::make_shared<spdlog::async_logger>("herald", std::move(sink), pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  }

  // Its destructor writes what waits.
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

std::atomic<Severity> min_severity{Severity::kInfo};

// The writer is shared with calls in progress, so that StopLog never pulls it from under one.
absl::Mutex writer_mu(absl::kConstInit);
std::shared_ptr<Writer>& CurrentWriter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_mu) {
  static auto* writer = new std::shared_ptr<Writer>();  // outlives every static destructor
  return *writer;
}

void Write(const std::string& line) {
  std::shared_ptr<Writer> writer;
  {
    absl::MutexLock lock(&writer_mu);
    writer = CurrentWriter();
  }
  if (writer == nullptr) {
    WriteLine(STDERR_FILENO, line);
    return;
  }
  writer->logger->log(spdlog::level::info, line);
}

}  // namespace

absl::optional<Severity> SeverityFromName(absl::string_view name) {
  if (name == "debug") return Severity::kDebug;
  if (name == "info") return Severity::kInfo;
  if (name == "warning") return Severity::kWarning;
  if (name == "error") return Severity::kError;
  return absl::nullopt;
}

void StartLog(const LogOptions& options) {
  StopLog();
  static const bool registered = std::atexit(StopLog) == 0;
  assert(registered);
  static_cast<void>(registered);
  min_severity = options.min_severity;
  absl::MutexLock lock(&writer_mu);
  CurrentWriter() = std::make_shared<Writer>(options);
}

void StopLog() {
  std::shared_ptr<Writer> writer;
  {
    absl::MutexLock lock(&writer_mu);
    writer = std::exchange(CurrentWriter(), nullptr);
  }
  // The last owner joins the thread: here, or in a call to Log that still holds it.
  writer.reset();
}

void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  if (severity < min_severity.load(std::memory_order_relaxed)) return;
  Write(FormatLogLine(absl::Now(), severity, event, fields));
}

std::string FormatLogLine(absl::Time time, Severity severity, absl::string_view event,
                          std::initializer_list<LogField> fields) {
  assert(IsEventName(event));
  nlohmann::ordered_json line;
  line["time"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  const absl::string_view name = kSeverityNames[static_cast<size_t>(severity)];
  line["severity"] = std::string(name);
  line["event"] = MaskAddresses(event);
  for (const LogField& field : fields) {
    nlohmann::ordered_json& value = line[field.key.text()];
    if (const auto* text = std::get_if<absl::string_view>(&field.value.get())) {
      value = MaskAddresses(*text);
    } else if (const auto* flag = std::get_if<bool>(&field.value.get())) {
      value = *flag;
    } else if (const auto* number = std::get_if<int64_t>(&field.value.get())) {
      value = *number;
    } else {
      value = std::get<double>(field.value.get());
    }
  }
  // Text that is not UTF-8 is replaced, never thrown about.
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace herald::ops
