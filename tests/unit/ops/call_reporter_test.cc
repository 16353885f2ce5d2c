#include "server/ops/call_reporter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "server/ops/log.h"
#include "server/status/status_details.h"

namespace herald::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kMethod[] = "herald.v1.EmailService/SendEmail";

// What `report` leaves in the log.
std::string LoggedBy(const std::function<void(CallReporter&)>& report) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  LogOptions options;
  options.fd = ends[1];
  StartLog(options);
  ServiceMetrics metrics("test");
  CallReporter reporter(metrics);
  report(reporter);
  StopLog();
  close(ends[1]);
  char buffer[4096];
  const ssize_t n = read(ends[0], buffer, sizeof(buffer));
  close(ends[0]);
  return std::string(buffer, static_cast<size_t>(n));
}

// What a call that ended with `status` leaves in the log.
std::string Logged(const absl::Status& status) {
  return LoggedBy(
      [&](CallReporter& reporter) { reporter.OnCall(kMethod, status, absl::Milliseconds(3)); });
}

TEST(CallReporter, LogsWhatTheCallerIsNotTold) {
  const std::string line = Logged(FromStorage(absl::DataLossError("page 7 of emails is torn")));
  EXPECT_THAT(line, HasSubstr("page 7 of emails is torn"));
  EXPECT_THAT(line, HasSubstr(R"("severity":"ERROR")"));
  EXPECT_THAT(line, HasSubstr(kMethod));
}

TEST(CallReporter, LogsWhyAnItemOfABatchFailed) {
  const std::string line = LoggedBy([](CallReporter& reporter) {
    reporter.OnFailedItem(kMethod, FromStorage(absl::DataLossError("page 7 of emails is torn")));
  });
  EXPECT_THAT(line, HasSubstr("page 7 of emails is torn"));
  EXPECT_THAT(line, HasSubstr(R"("severity":"ERROR")"));
}

TEST(CallReporter, MasksAddressesInTheCause) {
  EXPECT_THAT(Logged(FromStorage(absl::DataLossError("row of ada@example.com"))),
              Not(HasSubstr("ada@example.com")));
}

TEST(CallReporter, LeavesTheCallersMistakesToTheCaller) {
  EXPECT_THAT(Logged(InvalidRequest({{"lane", "unknown"}})), IsEmpty());
  EXPECT_THAT(Logged(absl::OkStatus()), IsEmpty());
}

}  // namespace
}  // namespace herald::ops
