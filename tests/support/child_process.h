#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::support {

struct ChildOptions {
  std::vector<std::string> argv;           // argv[0] is looked up in PATH
  std::map<std::string, std::string> env;  // added to the test's own environment
  std::string directory;                   // working directory; empty: the test's
  std::string user;                        // run as this user; only root may set it
};

// A program started by a test. Its standard input is /dev/null; its output is kept by lines.
//
// The kernel kills it when the thread that started it ends, however that comes about, so that a
// killed test leaves nothing running: start children on the main thread, or one that outlives them.
// Safe for concurrent use.
class ChildProcess {
 public:
  // kNotFound: the program or the user does not exist. kInternal: the system refused.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);

  // Kills the child and waits for it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // The first line of standard output or error with `substring`, since the start or, with
  // `from_line`, since that many lines. kDeadlineExceeded: none in time. kAborted: the output ended
  // without one. The last lines are in the message.
  absl::StatusOr<std::string> WaitForLine(absl::string_view substring, absl::Duration timeout,
                                          size_t from_line = 0);

  void Signal(int signal);
  // SIGKILL, then Wait.
  void Kill9();

  // Exit code, or 128 + signal; nullopt when it still runs after `timeout`.
  absl::optional<int> Wait(absl::Duration timeout);

  // Returns when both output pipes were read to their end, or soon after the child exited when a
  // grandchild holds them open.
  void WaitForOutput() const;

  // All lines so far without their line ends, in the order they were read.
  std::vector<std::string> Lines() const;
  size_t line_count() const;
  std::string Stdout() const;
  std::string Stderr() const;

 private:
  ChildProcess(pid_t pid, int stdout_fd, int stderr_fd);
  void ReadOutput(int stdout_fd, int stderr_fd);
  void Append(std::string& whole, std::string& partial, absl::string_view bytes);
  void Reap();

  const pid_t pid_;

  mutable absl::Mutex mu_;
  std::string stdout_ ABSL_GUARDED_BY(mu_);
  std::string stderr_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
  bool output_ended_ ABSL_GUARDED_BY(mu_) = false;
  // Set once the child was reaped; from then on its pid may belong to somebody else.
  absl::optional<int> exit_code_ ABSL_GUARDED_BY(mu_);

  std::thread reader_;
  std::thread reaper_;
};

// Runs a program to its end. The status is OK when it exited with 0 within `timeout`; otherwise the
// message holds its standard error.
absl::StatusOr<std::string> RunToEnd(const ChildOptions& options, absl::Duration timeout);

}  // namespace herald::support
