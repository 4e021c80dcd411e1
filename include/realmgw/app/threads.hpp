// The daemon's threads: started together, stopped together, and none fails or stands still unheard.
#pragma once

#include "realmgw/base/file_descriptor.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace rgw::app {

/// Threads that run until they are told to stop.
class ThreadGroup {
 public:
  /// What a thread asks before each of its turns. The thread alone writes the count; any thread may read it.
  class alignas(64) Turns {
   public:
    Turns(std::string name, const std::atomic<bool>& stop) : stop_{stop}, name_{std::move(name)} {}
    /// False once the thread is to end.
    [[nodiscard]] bool next() {
      count_.store(count() + 1, std::memory_order_release);
      return !stop_.load(std::memory_order_relaxed);
    }
    /// Whoever reads it sees what the thread did in the turns before.
    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_acquire); }
    [[nodiscard]] const std::string& name() const { return name_; }

   private:
    std::atomic<std::uint64_t> count_ = 0;
    const std::atomic<bool>& stop_;
    std::string name_;
  };
  /// What a thread does, as long as there is a next turn.
  using Body = std::function<void(Turns& turns)>;

  /// Throws std::system_error.
  ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;
  ~ThreadGroup() { stop(); }

  /// `name` has at most 15 characters.
  void start(const std::string& name, Body body);
  /// Tells all to stop, and waits for them.
  void stop();

  /// Readable once a thread's body has thrown. The thread has been logged, and has ended.
  [[nodiscard]] int failure_fd() const { return failure_.get(); }
  /// How often each thread has turned, in the order of their start.
  [[nodiscard]] const std::vector<std::unique_ptr<Turns>>& turns() const { return turns_; }

 private:
  std::atomic<bool> stop_ = false;
  FileDescriptor failure_;
  std::vector<std::unique_ptr<Turns>> turns_;
  std::vector<std::thread> threads_;
};

/// Binds the calling thread to a CPU. False where that is not possible.
bool pin_to_cpu(unsigned cpu);

/// A poll loop's rest (`idle: rest`): after a run of empty polls the thread sleeps a little before each
/// further one, and after a long run a little longer. The first packet waits that much; a device's queue of
/// 1024 takes in more than comes in the meantime at a million packets a second.
class Rest {
 public:
  static constexpr unsigned patience = 256;        ///< empty polls in a row before the first sleep
  static constexpr unsigned light_sleeps = 2'000;  ///< in a row, a tenth of a second, before the deeper ones
  static constexpr long light_nanoseconds = 50'000;
  static constexpr long deep_nanoseconds = 250'000;

  void after_poll(bool was_busy) {
    if (was_busy) {
      empty_ = 0;
    } else if (const long nanoseconds = next(); nanoseconds > 0) {
      sleep(nanoseconds);
    }
  }
  /// One more poll was empty: how long to sleep, in nanoseconds.
  [[nodiscard]] long next() {
    if (empty_ >= patience + light_sleeps) return deep_nanoseconds;
    return ++empty_ > patience ? light_nanoseconds : 0;
  }

 private:
  static void sleep(long nanoseconds);
  unsigned empty_ = 0;
};

}  // namespace rgw::app
