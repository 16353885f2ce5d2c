#include "server/ops/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"

namespace herald::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixMillis(1790000000123);

// Everything that arrives at the read end until the write end is closed.
std::string ReadAll(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t n = read(fd, buffer, sizeof(buffer)); n > 0; n = read(fd, buffer, sizeof(buffer))) {
    all.append(buffer, static_cast<size_t>(n));
  }
  return all;
}

std::vector<nlohmann::json> ParseLines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    lines.push_back(nlohmann::json::parse(std::string(line)));
  }
  return lines;
}

class LogPipe {
 public:
  LogPipe() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  ~LogPipe() {
    StopLog();
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  int write_end() const { return ends_[1]; }
  int read_end() const { return ends_[0]; }
  void CloseWriteEnd() { close(std::exchange(ends_[1], -1)); }

  // Stops the log and parses what it wrote.
  std::vector<nlohmann::json> Lines() {
    StopLog();
    CloseWriteEnd();
    return ParseLines(ReadAll(ends_[0]));
  }

 private:
  int ends_[2];
};

LogOptions To(const LogPipe& pipe, Severity severity = Severity::kInfo) {
  LogOptions options;
  options.fd = pipe.write_end();
  options.min_severity = severity;
  return options;
}

TEST(FormatLogLine, IsOneJsonObjectInAFixedOrder) {
  EXPECT_EQ(
      FormatLogLine(kNow, Severity::kWarning, "attempt_failed",
                    {{"email_id", "em_1"}, {"attempt", 3}, {"delay_ms", 1.5}, {"stale", true}}),
      R"({"time":"2026-09-21T14:13:20.123Z","severity":"WARNING","event":"attempt_failed",)"
      R"("email_id":"em_1","attempt":3,"delay_ms":1.5,"stale":true})");
}

TEST(FormatLogLine, EscapesWhatWouldBreakTheLine) {
  const std::string line =
      FormatLogLine(kNow, Severity::kInfo, "refused", {{"reason", "a\"b\nc\x01\xff"}});
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_EQ(nlohmann::json::parse(line)["reason"], "a\"b\nc\x01\xEF\xBF\xBD");
}

TEST(FormatLogLine, MasksAddressesInEveryValue) {
  const std::string line = FormatLogLine(
      kNow, Severity::kError, "refused",
      {{"reason", "550 <jo@example.com> unknown"}, {"path", std::string("/u/jo%40example.com")}});
  EXPECT_THAT(line, Not(HasSubstr("jo")));
  EXPECT_EQ(nlohmann::json::parse(line)["reason"], "550 <[address]> unknown");
}

TEST(MaskAddresses, FindsEveryWayOfWritingOne) {
  EXPECT_EQ(MaskAddresses("to jo@example.com, or"), "to [address], or");
  EXPECT_EQ(MaskAddresses("jo+tag.x@a.b"), "[address]");
  EXPECT_EQ(MaskAddresses("mailto:jo@example.com?x=1"), "[address]");
  EXPECT_EQ(MaskAddresses("\"jo the man\"@example.com"), "[address]");
  EXPECT_EQ(MaskAddresses("josé@bücher.example"), "[address]");
  EXPECT_EQ(MaskAddresses("jo\xEF\xBC\xA0"
                          "example.com"),
            "[address]");
  EXPECT_EQ(MaskAddresses("jo@[192.0.2.1]"), "[address]");
  EXPECT_EQ(MaskAddresses("a@b c@d"), "[address] [address]");
  EXPECT_EQ(MaskAddresses("postgres://herald:secret@db/herald"), "[address]");
  EXPECT_EQ(MaskAddresses("a@b@c"), "[address]");
}

TEST(MaskAddresses, LeavesOtherTextAlone) {
  for (const char* text :
       {"", "@", "100 % 40", "em_0000000000001", "at @ noon", "a@ b", "@media"}) {
    EXPECT_EQ(MaskAddresses(text), text);
  }
}

TEST(LogKeys, HaveNoPlaceForPersonalData) {
  for (const char* key : {"email", "address", "to", "from", "recipient", "subject", "body", "html",
                          "variables", "token", "secret", "password", "message", "name"}) {
    EXPECT_FALSE(IsLogKey(key)) << key;
  }
  EXPECT_TRUE(IsLogKey("email_id"));
}

TEST(SeverityFromName, KnowsTheFour) {
  EXPECT_EQ(SeverityFromName("debug"), Severity::kDebug);
  EXPECT_EQ(SeverityFromName("info"), Severity::kInfo);
  EXPECT_EQ(SeverityFromName("warning"), Severity::kWarning);
  EXPECT_EQ(SeverityFromName("error"), Severity::kError);
  EXPECT_EQ(SeverityFromName("INFO"), absl::nullopt);
}

TEST(Log, DropsLinesBelowTheMinimum) {
  LogPipe pipe;
  StartLog(To(pipe, Severity::kWarning));
  Log(Severity::kInfo, "quiet");
  Log(Severity::kWarning, "loud");
  const std::vector<nlohmann::json> lines = pipe.Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["event"], "loud");
}

TEST(Log, WritesEveryLineOfManyThreadsWhole) {
  LogPipe pipe;
  StartLog(To(pipe));
  std::vector<nlohmann::json> lines;
  std::thread reader([&] { lines = ParseLines(ReadAll(pipe.read_end())); });
  std::vector<std::thread> writers;
  for (int worker = 0; worker < 4; ++worker) {
    writers.emplace_back([worker] {
      for (int i = 0; i < 1000; ++i)
        Log(Severity::kInfo, "tick", {{"worker", worker}, {"count", i}});
    });
  }
  for (std::thread& writer : writers) writer.join();
  StopLog();
  pipe.CloseWriteEnd();
  reader.join();
  EXPECT_EQ(lines.size(), 4000u);
}

TEST(Log, NeverWaitsForASlowReaderAndSaysWhatItDropped) {
  LogPipe pipe;
  LogOptions options = To(pipe);
  options.queue_lines_max = 16;
  StartLog(options);
  // Far more than a pipe of 64 KiB and 16 lines hold, while nobody reads: returns all the same.
  const std::string padding(1000, 'x');
  for (int i = 0; i < 500; ++i) Log(Severity::kInfo, "tick", {{"reason", padding}});

  int written = 0;
  int64_t dropped = 0;
  std::thread reader([&] {
    for (const nlohmann::json& json : ParseLines(ReadAll(pipe.read_end()))) {
      if (json["event"] == "tick") ++written;
      if (json["event"] == "log_lines_dropped") dropped += json["count"].get<int64_t>();
    }
  });
  StopLog();
  pipe.CloseWriteEnd();
  reader.join();
  EXPECT_GT(dropped, 0);
  EXPECT_LT(written, 500);
  EXPECT_EQ(written + dropped, 500);
}

// Through a real process: before StartLog, after it, and what waited when exit() was called.
TEST(LogProgram, WritesToItsStandardError) {
  support::ChildOptions options;
  options.argv = {absl::StrCat(std::getenv("HERALD_BUILD_DIR"), "/tests/unit/ops/log_program")};
  ASSERT_OK_AND_ASSIGN(auto program, support::ChildProcess::Start(options));
  EXPECT_EQ(program->Wait(absl::Seconds(30)), 3);
  program->WaitForOutput();
  std::vector<std::string> events;
  for (const nlohmann::json& json : ParseLines(program->Stderr())) {
    absl::Time time;
    std::string error;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, json["time"].get<std::string>(), &time, &error))
        << error;
    EXPECT_LT(absl::AbsDuration(absl::Now() - time), absl::Minutes(5));
    events.push_back(json["event"]);
  }
  EXPECT_THAT(events, ElementsAre("starting", "serving", "stopping"));
  EXPECT_EQ(program->Stdout(), "");
}

}  // namespace
}  // namespace herald::ops
