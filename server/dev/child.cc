#include "server/dev/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace herald::dev {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(10);
constexpr int kExecFailed = 127;

[[noreturn]] void Become(const Child::Options& options, char* const* argv, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (options.uid != 0 && (setgid(options.gid) != 0 || setuid(options.uid) != 0)) {
    _exit(kExecFailed);
  }
  // After setuid, which clears it.
  prctl(PR_SET_PDEATHSIG, options.death_signal);
  if (getppid() != parent) _exit(kExecFailed);
  if (!options.log_file.empty()) {
    const int log = open(options.log_file.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (log >= 0) {
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
    }
  }
  execv(argv[0], argv);
  _exit(kExecFailed);
}

absl::StatusOr<pid_t> Spawn(const Child::Options& options) {
  // Everything that allocates comes before the fork.
  std::vector<char*> argv;
  for (const std::string& argument : options.argv) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  if (pid == 0) Become(options, argv.data(), parent);
  return pid;
}

}  // namespace

absl::StatusOr<Child> Child::Start(const Options& options) {
  const absl::StatusOr<pid_t> pid = Spawn(options);
  if (!pid.ok()) return pid.status();
  return Child(*pid);
}

Child::~Child() {
  if (Running()) Stop(SIGKILL, absl::Seconds(5));
}

bool Child::Running() {
  if (pid_ == 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = 0;
  return false;
}

void Child::Stop(int signal, absl::Duration patience) {
  if (!Running()) return;
  kill(pid_, signal);
  const absl::Time deadline = absl::Now() + patience;
  while (Running() && absl::Now() < deadline) absl::SleepFor(kPoll);
  if (!Running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

absl::Status RunToEnd(const Child::Options& options) {
  const absl::StatusOr<pid_t> pid = Spawn(options);
  if (!pid.ok()) return pid.status();
  int wait_status = 0;
  waitpid(*pid, &wait_status, 0);
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(options.argv[0], " failed (",
                                          WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1,
                                          "); see ", options.log_file));
}

}  // namespace herald::dev
