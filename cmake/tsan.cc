// Tells ThreadSanitizer of Abseil's mutexes. Debian's Abseil is not instrumented, so that without
// this whatever a mutex guards looks like a race. The linker leads the calls of instrumented code
// here (--wrap, see ThreadSanitizer.cmake); each is announced and then made.
//
// Between "pre" and "post" the sanitizer looks at no access of the thread: there Abseil evaluates
// conditions, also those of other threads, by whoever lets go of the mutex.

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace {

constexpr unsigned kWrite = 0;
constexpr unsigned kRead = __tsan_mutex_read_lock;

template <class Call>
void Lock(void* mutex, unsigned flags, Call call) {
  __tsan_mutex_pre_lock(mutex, flags);
  call();
  __tsan_mutex_post_lock(mutex, flags, 0);
}

template <class Call>
void Unlock(void* mutex, unsigned flags, Call call) {
  __tsan_mutex_pre_unlock(mutex, flags);
  call();
  __tsan_mutex_post_unlock(mutex, flags);
}

// A wait of whoever holds the mutex, which is let go of meanwhile.
template <class Call>
bool Wait(void* mutex, Call call) {
  bool result = false;
  Unlock(mutex, kWrite, [] {});
  Lock(mutex, kWrite, [&] { result = call(); });
  return result;
}

}  // namespace

// REAL(name, parameters) declares Abseil's function, WRAP(name, parameters) begins ours. `this` is
// the first parameter of either.
#define REAL(type, name, ...) extern "C" type __real_##name(__VA_ARGS__)
#define WRAP(type, name, ...)    \
  REAL(type, name, __VA_ARGS__); \
  extern "C" type __wrap_##name(__VA_ARGS__)

using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Time;

WRAP(void, _ZN4absl7debian35Mutex4LockEv, Mutex* mutex) {
  Lock(mutex, kWrite, [&] { __real__ZN4absl7debian35Mutex4LockEv(mutex); });
}
WRAP(void, _ZN4absl7debian35Mutex6UnlockEv, Mutex* mutex) {
  Unlock(mutex, kWrite, [&] { __real__ZN4absl7debian35Mutex6UnlockEv(mutex); });
}
WRAP(void, _ZN4absl7debian35Mutex10ReaderLockEv, Mutex* mutex) {
  Lock(mutex, kRead, [&] { __real__ZN4absl7debian35Mutex10ReaderLockEv(mutex); });
}
WRAP(void, _ZN4absl7debian35Mutex12ReaderUnlockEv, Mutex* mutex) {
  Unlock(mutex, kRead, [&] { __real__ZN4absl7debian35Mutex12ReaderUnlockEv(mutex); });
}
// Abseil's own code lets go of the mutex, which is all that such a lock holds.
WRAP(void, _ZN4absl7debian319ReleasableMutexLock7ReleaseEv, absl::ReleasableMutexLock* lock) {
  static_assert(sizeof(absl::ReleasableMutexLock) == sizeof(Mutex*));
  Unlock(*reinterpret_cast<Mutex**>(lock), kWrite,
         [&] { __real__ZN4absl7debian319ReleasableMutexLock7ReleaseEv(lock); });
}
WRAP(bool, _ZN4absl7debian35Mutex7TryLockEv, Mutex* mutex) {
  __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
  const bool locked = __real__ZN4absl7debian35Mutex7TryLockEv(mutex);
  const unsigned failed = locked ? 0 : __tsan_mutex_try_lock_failed;
  __tsan_mutex_post_lock(mutex, __tsan_mutex_try_lock | failed, 0);
  return locked;
}

WRAP(void, _ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE, Mutex* mutex,
     const Condition& condition) {
  Lock(mutex, kWrite,
       [&] { __real__ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE(mutex, condition); });
}
WRAP(bool, _ZN4absl7debian35Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE,
     Mutex* mutex, const Condition& condition, Duration timeout) {
  bool result = false;
  Lock(mutex, kWrite, [&] {
    result = __real__ZN4absl7debian35Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE(
        mutex, condition, timeout);
  });
  return result;
}
WRAP(bool, _ZN4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE, Mutex* mutex,
     const Condition& condition, Time deadline) {
  bool result = false;
  Lock(mutex, kWrite, [&] {
    result = __real__ZN4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE(
        mutex, condition, deadline);
  });
  return result;
}

WRAP(void, _ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE, Mutex* mutex,
     const Condition& condition) {
  Wait(mutex, [&] {
    __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(mutex, condition);
    return true;
  });
}
WRAP(bool, _ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE, Mutex* mutex,
     const Condition& condition, Duration timeout) {
  return Wait(mutex, [&] {
    return __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
        mutex, condition, timeout);
  });
}
WRAP(bool, _ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE, Mutex* mutex,
     const Condition& condition, Time deadline) {
  return Wait(mutex, [&] {
    return __real__ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE(
        mutex, condition, deadline);
  });
}

WRAP(void, _ZN4absl7debian37CondVar4WaitEPNS0_5MutexE, CondVar* changed, Mutex* mutex) {
  Wait(mutex, [&] {
    __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(changed, mutex);
    return true;
  });
}
WRAP(bool, _ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE, CondVar* changed,
     Mutex* mutex, Duration timeout) {
  return Wait(mutex, [&] {
    return __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(
        changed, mutex, timeout);
  });
}
WRAP(bool, _ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE, CondVar* changed,
     Mutex* mutex, Time deadline) {
  return Wait(mutex, [&] {
    return __real__ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE(changed, mutex,
                                                                                    deadline);
  });
}

WRAP(void, _ZN4absl7debian312Notification6NotifyEv, absl::Notification* notification) {
  __tsan_release(notification);
  __real__ZN4absl7debian312Notification6NotifyEv(notification);
}
WRAP(void, _ZNK4absl7debian312Notification19WaitForNotificationEv,
     const absl::Notification* notification) {
  __real__ZNK4absl7debian312Notification19WaitForNotificationEv(notification);
  __tsan_acquire(const_cast<absl::Notification*>(notification));
}
WRAP(bool, _ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE,
     const absl::Notification* notification, Duration timeout) {
  const bool notified =
      __real__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(
          notification, timeout);
  if (notified) __tsan_acquire(const_cast<absl::Notification*>(notification));
  return notified;
}
WRAP(bool, _ZN4absl7debian315BlockingCounter14DecrementCountEv, absl::BlockingCounter* counter) {
  __tsan_release(counter);
  return __real__ZN4absl7debian315BlockingCounter14DecrementCountEv(counter);
}
WRAP(void, _ZN4absl7debian315BlockingCounter4WaitEv, absl::BlockingCounter* counter) {
  __real__ZN4absl7debian315BlockingCounter4WaitEv(counter);
  __tsan_acquire(counter);
}

// What these do inside is not ours to judge, nor can it be seen whole. Abseil's order of locks
// moves its tables with memmove, which is seen, under a spin lock, which is not.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libglib-2.0.so\nrace:libgmime-3.0.so\nrace:libabsl_graphcycles_internal.so\n";
}
