// Records from one worker to the thread that writes the session log. Hot path of sessions, not of packets:
// nothing allocates, nothing waits.
#pragma once

#include "realmgw/session_log/record.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace rgw::session_log {

/// A lock-free queue between exactly two threads. Writer: the worker, by `put`. Reader: who takes.
class Lane {
 public:
  /// Room for `capacity` records, rounded up to a power of two.
  explicit Lane(std::size_t capacity)
      : mask_{std::bit_ceil(capacity) - 1}, records_{std::make_unique<Record[]>(mask_ + 1)} {}

  /// False where there is no room: then the record counts as lost.
  bool put(const Record& record) {
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    if (written - seen_read_ > mask_) {
      seen_read_ = read_.load(std::memory_order_acquire);
      if (written - seen_read_ > mask_) {
        lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        return false;
      }
    }
    records_[written & mask_] = record;
    written_.store(written + 1, std::memory_order_release);
    return true;
  }

  /// Calls `use(record)` for what is there, the oldest first, at most `most` of them; returns how many.
  template <class Use>
  std::size_t take(std::size_t most, Use&& use) {
    const std::uint64_t read = read_.load(std::memory_order_relaxed);
    const std::uint64_t there = written_.load(std::memory_order_acquire) - read;
    const std::size_t count = there < most ? static_cast<std::size_t>(there) : most;
    for (std::size_t i = 0; i < count; ++i) use(records_[(read + i) & mask_]);
    read_.store(read + count, std::memory_order_release);
    return count;
  }
  /// How many found no room so far. Read before `take`: those came before what is not there yet.
  [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_acquire); }

 private:
  const std::size_t mask_;
  const std::unique_ptr<Record[]> records_;
  alignas(64) std::atomic<std::uint64_t> written_ = 0;
  std::atomic<std::uint64_t> lost_ = 0;
  std::uint64_t seen_read_ = 0;  ///< the writer's: how far the reader was when it last looked
  alignas(64) std::atomic<std::uint64_t> read_ = 0;
};

}  // namespace rgw::session_log
