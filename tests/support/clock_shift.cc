// Preloaded into a program under test, shifts its wall clock, and nothing else, by the nanoseconds
// that the file HERALD_CLOCK_SHIFT_FILE holds at the moment. A wait until a moment of the wall
// clock ends, as the kernel's does, when that moment has come by the shifted clock: setting the
// clock back prolongs it. (libfaketime shifts no futex, which Abseil's timed waits are.)
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLookAgain = 20'000'000;  // while a wait lasts, for a clock that was set

using ClockGettime = int (*)(clockid_t, timespec*);
using Syscall = long (*)(long, ...);

const volatile int64_t* MapShift() {
  static const int64_t none = 0;
  const char* path = getenv("HERALD_CLOCK_SHIFT_FILE");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &none;
  void* mapped = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? &none : static_cast<const volatile int64_t*>(mapped);
}

int64_t Shift() {
  static const volatile int64_t* const shift = MapShift();
  return *shift;
}

int64_t Now(clockid_t clock) {
  static const auto real = reinterpret_cast<ClockGettime>(dlsym(RTLD_NEXT, "clock_gettime"));
  timespec now{};
  real(clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

timespec Timespec(int64_t nanos) { return {nanos / kSecond, nanos % kSecond}; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  *now = Timespec(Now(clock) + (wall ? Shift() : 0));
  return 0;
}

int gettimeofday(timeval* now, void* /*zone*/) noexcept {
  const int64_t nanos = Now(CLOCK_REALTIME) + Shift();
  *now = {nanos / kSecond, nanos % kSecond / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  const time_t now = (Now(CLOCK_REALTIME) + Shift()) / kSecond;
  if (out != nullptr) *out = now;
  return now;
}

long syscall(long number, ...) noexcept {
  static const auto real = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  long args[6];
  va_list list;
  va_start(list, number);
  for (long& arg : args) arg = va_arg(list, long);
  va_end(list);
  const auto* until = reinterpret_cast<const timespec*>(args[3]);
  if (number != SYS_futex || (args[1] & FUTEX_CLOCK_REALTIME) == 0 || until == nullptr) {
    return real(number, args[0], args[1], args[2], args[3], args[4], args[5]);
  }
  const int64_t due = until->tv_sec * kSecond + until->tv_nsec;
  while (true) {
    const int64_t left = due - (Now(CLOCK_REALTIME) + Shift());
    if (left <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    // Without the flag the time is the monotonic clock's.
    const timespec slice = Timespec(Now(CLOCK_MONOTONIC) + (left < kLookAgain ? left : kLookAgain));
    const long woken = real(number, args[0], args[1] & ~static_cast<long>(FUTEX_CLOCK_REALTIME),
                            args[2], &slice, args[4], args[5]);
    if (woken == 0 || errno != ETIMEDOUT) return woken;
  }
}

}  // extern "C"
