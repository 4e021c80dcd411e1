// What workers tell an operator: each writes records into a lane of its own, and the control thread reads the
// lanes, merged by time.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/capture/record_ring.hpp"

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace rgw::capture {

/// The front of a record: plain data that says when.
template <class T>
concept RecordHead = std::is_trivially_copyable_v<T> && requires(T head) {
  { head.at } -> std::same_as<Instant&>;
};

template <RecordHead Head>
class Lanes {
 public:
  Lanes(unsigned workers, std::size_t bytes) {
    for (unsigned i = 0; i < workers; ++i) lanes_.push_back(std::make_unique<Lane>(bytes));
  }

  /// The worker's thread. A record that the lane has no room for is lost, and counted.
  void push(WorkerId worker, const Head& head, std::span<const std::byte> body) {
    Lane& lane = *lanes_[worker.value()];
    if (!lane.records.push(std::as_bytes(std::span{&head, 1}), body))
      lane.lost.store(lane.lost.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// The control thread: hands out, in order of time, what happened before `until`, as long as `use` says
  /// true. The bytes are good during the call.
  void read(Instant until, const std::function<bool(const Head&, std::span<const std::byte>)>& use) {
    for (;;) {
      Lane* oldest = nullptr;
      Head head{};
      for (const auto& lane : lanes_) {
        const auto record = lane->records.front();
        if (record.empty()) continue;
        Head front{};
        std::memcpy(&front, record.data(), sizeof front);
        if (front.at >= until || (oldest != nullptr && front.at >= head.at)) continue;
        oldest = lane.get();
        head = front;
      }
      if (oldest == nullptr) return;
      const bool more = use(head, oldest->records.front().subspan(sizeof head));
      oldest->records.pop();
      if (!more) return;
    }
  }

  [[nodiscard]] std::uint64_t lost() const {
    std::uint64_t all = 0;
    for (const auto& lane : lanes_) all += lane->lost.load(std::memory_order_relaxed);
    return all;
  }

 private:
  struct Lane {
    explicit Lane(std::size_t bytes) : records{bytes} {}
    RecordRing records;
    std::atomic<std::uint64_t> lost = 0;
  };
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace rgw::capture
