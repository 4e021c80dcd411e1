// Which descriptors are ready, and who wants to know (epoll).
#pragma once

#include "realmgw/base/file_descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <sys/epoll.h>
#include <unordered_map>

namespace rgw::control {

/// Calls a handler when its descriptor is ready. Level-triggered: a handler may leave work for the next turn,
/// and should, so that no descriptor starves the others. One thread.
class EventLoop {
 public:
  /// Gets the ready EPOLL* bits. May add and remove descriptors, its own among them.
  using Handler = std::function<void(std::uint32_t events)>;

  /// Throws std::system_error, as `add` and `change` do.
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Watches `fd`, which stays the caller's and must be removed before it is closed.
  void add(int fd, std::uint32_t events, Handler handler);
  void change(int fd, std::uint32_t events);
  void remove(int fd);

  /// Waits for a ready descriptor, at most `timeout` (zero: does not wait), and calls the handlers of at most
  /// `events_per_turn` of them. Returns how many it called.
  unsigned wait(std::chrono::microseconds timeout);

  static constexpr int events_per_turn = 64;

 private:
  struct Watch {
    int fd;
    Handler handler;
  };

  FileDescriptor epoll_;
  // The key is a serial number and not the descriptor: a handler may close one and be given the same number
  // anew while an event for the old one still waits in the same turn.
  std::unordered_map<std::uint64_t, std::shared_ptr<Watch>> watches_;
  std::unordered_map<int, std::uint64_t> serial_of_;
  std::uint64_t next_serial_ = 1;
};

}  // namespace rgw::control
