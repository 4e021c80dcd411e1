#include "realmgw/control/event_loop.hpp"

#include <array>
#include <ctime>
#include <utility>

namespace rgw::control {

EventLoop::EventLoop() : epoll_{checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")} {}

void EventLoop::add(int fd, std::uint32_t events, Handler handler) {
  const std::uint64_t serial = next_serial_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = serial;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw last_error("epoll_ctl(ADD)");
  watches_[serial] = std::make_shared<Watch>(Watch{fd, std::move(handler)});
  serial_of_[fd] = serial;
}

void EventLoop::change(int fd, std::uint32_t events) {
  const auto found = serial_of_.find(fd);
  if (found == serial_of_.end()) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = found->second;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) throw last_error("epoll_ctl(MOD)");
}

void EventLoop::remove(int fd) {
  const auto found = serial_of_.find(fd);
  if (found == serial_of_.end()) return;
  watches_.erase(found->second);
  serial_of_.erase(found);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

unsigned EventLoop::wait(std::chrono::microseconds timeout) {
  std::array<epoll_event, events_per_turn> events;
  const timespec limit{timeout.count() / 1'000'000, timeout.count() % 1'000'000 * 1000};
  const int ready = epoll_pwait2(epoll_.get(), events.data(), events_per_turn, &limit, nullptr);
  unsigned called = 0;
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const auto found = watches_.find(event.data.u64);
    if (found == watches_.end()) continue;               // removed by a handler of this turn
    const std::shared_ptr<Watch> watch = found->second;  // lives through its own removal
    watch->handler(event.events);
    ++called;
  }
  return called;
}

}  // namespace rgw::control
