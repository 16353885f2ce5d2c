#include "model/steady_time.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/time/clock.h"

namespace herald {
namespace {

absl::Duration SinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

// Rings each alarm at its time, from a thread of its own.
class AlarmClock {
 public:
  using Steady = std::chrono::steady_clock;
  struct Alarm {
    absl::Mutex* mutex = nullptr;
    std::atomic<bool> rung{false};
  };
  using Handle = std::multimap<Steady::time_point, Alarm*>::iterator;

  // Never destroyed: waits may outlast main.
  static AlarmClock& Shared() {
    static AlarmClock* const clock = new AlarmClock;
    return *clock;
  }

  Handle Set(Alarm* alarm, absl::Duration after) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const Handle handle = alarms_.emplace(Steady::now() + absl::ToChronoNanoseconds(after), alarm);
    if (handle == alarms_.begin()) earlier_.notify_one();
    return handle;
  }
  // Once it has returned the alarm is not touched any more. Call it without the alarm's mutex.
  void Unset(Handle handle, const Alarm& alarm) {
    std::unique_lock<std::mutex> lock(mutex_);
    silent_.wait(lock, [&] { return ringing_ != &alarm; });
    if (!alarm.rung) alarms_.erase(handle);
  }

 private:
  AlarmClock() {
    std::thread([this] { Run(); }).detach();
  }

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      if (alarms_.empty()) {
        earlier_.wait(lock);
        continue;
      }
      const Steady::time_point due = alarms_.begin()->first;
      if (Steady::now() < due) {
        earlier_.wait_until(lock, due);
        continue;
      }
      Alarm* const alarm = alarms_.begin()->second;
      alarms_.erase(alarms_.begin());
      alarm->rung = true;
      ringing_ = alarm;
      lock.unlock();
      // Whoever waits on the mutex looks again when it is given up.
      alarm->mutex->Lock();
      alarm->mutex->Unlock();
      lock.lock();
      ringing_ = nullptr;
      silent_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable earlier_;
  std::condition_variable silent_;
  std::multimap<Steady::time_point, Alarm*> alarms_;
  const Alarm* ringing_ = nullptr;
};

}  // namespace

absl::Time SteadyNow() {
  static const absl::Time boot = absl::Now() - SinceBoot();
  return boot + SinceBoot();
}

bool AwaitSteadily(absl::Mutex& mutex, const absl::Condition& condition, absl::Duration timeout) {
  if (condition.Eval()) return true;
  if (timeout <= absl::ZeroDuration()) return false;
  AlarmClock::Alarm alarm;
  alarm.mutex = &mutex;
  const AlarmClock::Handle handle = AlarmClock::Shared().Set(&alarm, timeout);
  const auto over = [&] { return alarm.rung || condition.Eval(); };
  mutex.Await(absl::Condition(&over));
  mutex.Unlock();
  AlarmClock::Shared().Unset(handle, alarm);
  mutex.Lock();
  return condition.Eval();
}

}  // namespace herald
