#include "tests/support/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace herald::support {
namespace {

// Everything the child needs, made before fork(): between fork and exec a process that had threads
// may only make system calls.
struct Prepared {
  std::vector<std::string> environment_text;
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* directory = nullptr;
  bool switch_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
};

absl::StatusOr<Prepared> Prepare(const ChildOptions& options) {
  Prepared prepared;
  for (const std::string& argument : options.argv) {
    prepared.argv.push_back(const_cast<char*>(argument.c_str()));
  }
  prepared.argv.push_back(nullptr);

  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (options.env.count(text.substr(0, text.find('='))) == 0) {
      prepared.environment_text.push_back(text);
    }
  }
  for (const auto& [name, value] : options.env) {
    prepared.environment_text.push_back(absl::StrCat(name, "=", value));
  }
  for (std::string& text : prepared.environment_text) prepared.environment.push_back(text.data());
  prepared.environment.push_back(nullptr);

  if (!options.directory.empty()) prepared.directory = options.directory.c_str();
  if (!options.user.empty()) {
    const passwd* user = getpwnam(options.user.c_str());
    if (user == nullptr) return absl::NotFoundError(absl::StrCat("no user ", options.user));
    prepared.switch_user = true;
    prepared.uid = user->pw_uid;
    prepared.gid = user->pw_gid;
  }
  return prepared;
}

// Never returns. A failure is told to the parent as an errno through `failure_fd`, which a
// successful exec closes.
[[noreturn]] void BecomeProgram(const Prepared& prepared, pid_t parent, int out, int err,
                                int failure_fd) {
  bool ok = dup2(open("/dev/null", O_RDONLY), 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0;
  if (ok && prepared.switch_user) {
    ok = setgroups(1, &prepared.gid) == 0 && setgid(prepared.gid) == 0 && setuid(prepared.uid) == 0;
  }
  // After the change of user, which clears it.
  if (ok) ok = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
  if (ok && getppid() != parent) _exit(127);
  if (ok && prepared.directory != nullptr) ok = chdir(prepared.directory) == 0;

  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (ok) execvpe(prepared.argv[0], prepared.argv.data(), prepared.environment.data());

  const int error = errno;
  const ssize_t ignored = write(failure_fd, &error, sizeof(error));
  static_cast<void>(ignored);
  _exit(127);
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

absl::StatusOr<Pipe> OpenPipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe: ", std::strerror(errno)));
  }
  return Pipe{ends[0], ends[1]};
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  absl::StatusOr<Prepared> prepared = Prepare(options);
  if (!prepared.ok()) return prepared.status();
  std::array<Pipe, 3> pipes;  // output, error, failure to start
  for (Pipe& pipe : pipes) {
    absl::StatusOr<Pipe> opened = OpenPipe();
    if (!opened.ok()) return opened.status();
    pipe = *opened;
  }

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeProgram(*prepared, parent, pipes[0].write_end, pipes[1].write_end, pipes[2].write_end);
  }
  for (const Pipe& pipe : pipes) close(pipe.write_end);
  int error = errno;
  const bool failed = pid < 0 || read(pipes[2].read_end, &error, sizeof(error)) > 0;
  close(pipes[2].read_end);
  if (failed) {
    close(pipes[0].read_end);
    close(pipes[1].read_end);
    if (pid > 0) waitpid(pid, nullptr, 0);
    const std::string message = absl::StrCat(options.argv[0], ": ", std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(message) : absl::InternalError(message);
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, pipes[0].read_end, pipes[1].read_end));
}

ChildProcess::ChildProcess(pid_t pid, int stdout_fd, int stderr_fd)
    : pid_(pid),
      reader_([this, stdout_fd, stderr_fd] { ReadOutput(stdout_fd, stderr_fd); }),
      reaper_([this] { Reap(); }) {}

ChildProcess::~ChildProcess() {
  Kill9();
  reaper_.join();
  reader_.join();
}

void ChildProcess::ReadOutput(int stdout_fd, int stderr_fd) {
  std::array<pollfd, 2> fds = {pollfd{stdout_fd, POLLIN, 0}, pollfd{stderr_fd, POLLIN, 0}};
  std::array<std::string, 2> partial;
  std::vector<char> buffer(64 * 1024);
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    // The timeout is for grandchildren that keep the pipe open after the child has gone.
    if (poll(fds.data(), fds.size(), 200) == 0) {
      absl::MutexLock lock(&mu_);
      if (exit_code_.has_value()) break;
      continue;
    }
    for (size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      const ssize_t n = read(fds[i].fd, buffer.data(), buffer.size());
      if (n <= 0) {
        fds[i].fd = -1;
        continue;
      }
      absl::MutexLock lock(&mu_);
      Append(i == 0 ? stdout_ : stderr_, partial[i],
             absl::string_view(buffer.data(), static_cast<size_t>(n)));
    }
  }
  close(stdout_fd);
  close(stderr_fd);
  absl::MutexLock lock(&mu_);
  for (std::string& rest : partial) {
    if (!rest.empty()) lines_.push_back(std::move(rest));
  }
  output_ended_ = true;
}

void ChildProcess::Append(std::string& whole, std::string& partial,
                          absl::string_view bytes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  whole.append(bytes.data(), bytes.size());
  for (char c : bytes) {
    if (c != '\n') {
      partial.push_back(c);
      continue;
    }
    lines_.push_back(std::move(partial));
    partial.clear();
  }
}

void ChildProcess::Reap() {
  // Waits without reaping, so that the pid stays ours until the lock is held: Signal() can never
  // hit a stranger.
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  absl::MutexLock lock(&mu_);
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

absl::StatusOr<std::string> ChildProcess::WaitForLine(absl::string_view substring,
                                                      absl::Duration timeout, size_t from_line) {
  size_t next = from_line;
  std::string found;
  const auto arrived = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (; next < lines_.size(); ++next) {
      if (absl::string_view(lines_[next]).find(substring) == absl::string_view::npos) continue;
      found = lines_[next];
      return true;
    }
    return output_ended_;
  };
  absl::MutexLock lock(&mu_);
  const bool in_time = mu_.AwaitWithTimeout(absl::Condition(&arrived), timeout);
  if (next < lines_.size()) return found;

  const auto last = lines_.size() > 20 ? lines_.end() - 20 : lines_.begin();
  const std::string message = absl::StrCat("no line with \"", substring, "\"; last lines:\n",
                                           absl::StrJoin(last, lines_.end(), "\n"));
  return in_time ? absl::AbortedError(message) : absl::DeadlineExceededError(message);
}

void ChildProcess::Signal(int signal) {
  absl::MutexLock lock(&mu_);
  if (!exit_code_.has_value()) kill(pid_, signal);
}

void ChildProcess::Kill9() {
  Signal(SIGKILL);
  Wait(absl::InfiniteDuration());
}

absl::optional<int> ChildProcess::Wait(absl::Duration timeout) {
  const auto exited = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return exit_code_.has_value(); };
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&exited), timeout);
  return exit_code_;
}

void ChildProcess::WaitForOutput() const {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&output_ended_));
}

std::vector<std::string> ChildProcess::Lines() const {
  absl::MutexLock lock(&mu_);
  return lines_;
}

size_t ChildProcess::line_count() const {
  absl::MutexLock lock(&mu_);
  return lines_.size();
}

std::string ChildProcess::Stdout() const {
  absl::MutexLock lock(&mu_);
  return stdout_;
}

std::string ChildProcess::Stderr() const {
  absl::MutexLock lock(&mu_);
  return stderr_;
}

absl::StatusOr<std::string> RunToEnd(const ChildOptions& options, absl::Duration timeout) {
  absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(options);
  if (!child.ok()) return child.status();
  const absl::optional<int> code = (*child)->Wait(timeout);
  if (!code.has_value()) {
    return absl::DeadlineExceededError(absl::StrCat(options.argv[0], " did not end"));
  }
  (*child)->WaitForOutput();
  if (*code == 0) return (*child)->Stdout();
  return absl::InternalError(
      absl::StrCat(options.argv[0], " ended with ", *code, ": ", (*child)->Stderr()));
}

}  // namespace herald::support
