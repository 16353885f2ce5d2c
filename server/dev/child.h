#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace herald::dev {

// A child process that does not outlive this one: should we die, the kernel sends it
// `death_signal`. Start children from the main thread: the kernel watches the starting thread.
class Child {
 public:
  struct Options {
    std::vector<std::string> argv;
    std::string log_file;    // takes stdout and stderr, appended
    int death_signal = 15;   // SIGTERM
    uid_t uid = 0;           // not 0: run as this user
    gid_t gid = 0;
  };

  static absl::StatusOr<Child> Start(const Options& options);
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = 0; }
  Child& operator=(Child&&) = delete;
  ~Child();  // SIGKILL, if it still runs

  bool Running();
  // Sends `signal` and waits; SIGKILL after `patience`.
  void Stop(int signal, absl::Duration patience);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

// Runs a program to its end. kInternal with its exit code when that is not 0.
absl::Status RunToEnd(const Child::Options& options);

}  // namespace herald::dev
