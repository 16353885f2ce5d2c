#include "tests/support/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/status_matchers.h"

namespace herald::support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);

absl::StatusOr<std::unique_ptr<ChildProcess>> Shell(const std::string& script) {
  ChildOptions options;
  options.argv = {"sh", "-c", script};
  return ChildProcess::Start(options);
}

TEST(ChildProcess, KeepsOutputAndErrorApart) {
  ASSERT_OK_AND_ASSIGN(auto child,
                       Shell("echo one; echo two; echo three >&2; printf four; exit 5"));
  EXPECT_EQ(child->Wait(kLong), 5);
  child->WaitForOutput();
  EXPECT_EQ(child->Stdout(), "one\ntwo\nfour");
  EXPECT_EQ(child->Stderr(), "three\n");
  EXPECT_EQ(child->line_count(), 4u);
}

TEST(ChildProcess, WaitsForALine) {
  ASSERT_OK_AND_ASSIGN(auto child,
                       Shell("echo starting; echo listening on 25 >&2; exec cat /dev/zero"));
  EXPECT_THAT(child->WaitForLine("listening", kLong), IsOkAndHolds("listening on 25"));
}

TEST(ChildProcess, SaysWhatCameInsteadOfTheLine) {
  ASSERT_OK_AND_ASSIGN(auto child, Shell("echo no such file"));
  EXPECT_THAT(child->WaitForLine("listening", kLong),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("no such file")));
}

TEST(ChildProcess, GivesUpWaitingForALine) {
  ASSERT_OK_AND_ASSIGN(auto child, Shell("exec sleep 1000"));
  EXPECT_THAT(child->WaitForLine("listening", absl::Milliseconds(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(ChildProcess, SkipsLinesThatWereSeen) {
  ASSERT_OK_AND_ASSIGN(auto child, Shell("echo ready 1; echo ready 2"));
  EXPECT_THAT(child->WaitForLine("ready", kLong, 1), IsOkAndHolds("ready 2"));
}

TEST(ChildProcess, PassesSignals) {
  ASSERT_OK_AND_ASSIGN(auto child,
                       Shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"));
  ASSERT_OK(child->WaitForLine("ready", kLong));
  child->Signal(SIGTERM);
  EXPECT_EQ(child->Wait(kLong), 9);
}

TEST(ChildProcess, ReportsAKill) {
  ASSERT_OK_AND_ASSIGN(auto child, Shell("exec sleep 1000"));
  EXPECT_EQ(child->Wait(absl::ZeroDuration()), absl::nullopt);
  child->Kill9();
  EXPECT_EQ(child->Wait(kLong), 128 + SIGKILL);
}

TEST(ChildProcess, HandsOverEnvironmentAndDirectory) {
  ChildOptions options;
  options.argv = {"sh", "-c", "echo $HERALD_COLOUR; pwd"};
  options.env = {{"HERALD_COLOUR", "blue"}};
  options.directory = "/usr";
  EXPECT_THAT(RunToEnd(options, kLong), IsOkAndHolds("blue\n/usr\n"));
}

TEST(ChildProcess, RefusesAProgramThatIsNotThere) {
  ChildOptions options;
  options.argv = {"herald-no-such-program"};
  EXPECT_THAT(ChildProcess::Start(options), StatusIs(absl::StatusCode::kNotFound));
}

TEST(ChildProcess, RunToEndHoldsTheErrorOutput) {
  ChildOptions options;
  options.argv = {"sh", "-c", "echo broken >&2; exit 3"};
  EXPECT_THAT(RunToEnd(options, kLong),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("ended with 3: broken")));
}

// A parent of its own is killed; what it started must end too, which closes the pipe it holds.
TEST(ChildProcess, DiesWithTheProcessThatStartedIt) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    close(ends[0]);
    auto child = Shell("echo ready; exec sleep 1000");
    if (!child.ok() || !(*child)->WaitForLine("ready", kLong).ok()) _exit(1);
    kill(getpid(), SIGKILL);
  }
  close(ends[1]);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);  // returns only when nobody holds the other end
  close(ends[0]);
}

}  // namespace
}  // namespace herald::support
