// Records of any length from one thread to another.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace rgw::capture {

/// A lock-free queue of byte strings between exactly two threads. Writer: who pushes. Reader: who pops.
/// A record lies in one piece, so a little of the room at the end may stay unused in a round.
class RecordRing {
 public:
  /// Room for `capacity` bytes, rounded up to a power of two; each record takes four more, and fills up words
  /// of eight.
  explicit RecordRing(std::size_t capacity)
      : size_{std::bit_ceil(std::max<std::size_t>(capacity, 64))}, bytes_{new std::byte[size_]} {}

  /// One record out of two parts. False where there is no room.
  [[nodiscard]] bool push(std::span<const std::byte> head, std::span<const std::byte> body) {
    const std::size_t length = head.size() + body.size();
    const std::size_t whole = room_of(length);
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    const std::size_t at = written & (size_ - 1);
    const std::size_t skipped = at + whole > size_ ? size_ - at : 0;
    if (written - read_.load(std::memory_order_acquire) + skipped + whole > size_) return false;
    if (skipped != 0) put_length(at, skip);
    const std::size_t begin = skipped != 0 ? 0 : at;
    put_length(begin, static_cast<std::uint32_t>(length));
    copy(begin + sizeof(std::uint32_t), head);
    copy(begin + sizeof(std::uint32_t) + head.size(), body);
    written_.store(written + skipped + whole, std::memory_order_release);
    return true;
  }

  /// The oldest record, until `pop`; empty where there is none.
  [[nodiscard]] std::span<const std::byte> front() {
    std::uint64_t read = read_.load(std::memory_order_relaxed);
    const std::uint64_t written = written_.load(std::memory_order_acquire);
    if (read == written) return {};
    if (length_at(read & (size_ - 1)) == skip) {
      read += size_ - (read & (size_ - 1));
      read_.store(read, std::memory_order_release);
    }
    const std::size_t at = read & (size_ - 1);
    return {bytes_.get() + at + sizeof(std::uint32_t), length_at(at)};
  }
  void pop() {
    const std::uint64_t read = read_.load(std::memory_order_relaxed);
    read_.store(read + room_of(length_at(read & (size_ - 1))), std::memory_order_release);
  }

 private:
  static constexpr std::uint32_t skip = UINT32_MAX;  // nothing more until the end of the room

  static std::size_t room_of(std::size_t length) { return (sizeof(std::uint32_t) + length + 7) / 8 * 8; }
  void put_length(std::size_t at, std::uint32_t length) {
    std::memcpy(bytes_.get() + at, &length, sizeof length);
  }
  [[nodiscard]] std::uint32_t length_at(std::size_t at) const {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes_.get() + at, sizeof length);
    return length;
  }
  void copy(std::size_t at, std::span<const std::byte> part) {
    if (!part.empty()) std::memcpy(bytes_.get() + at, part.data(), part.size());
  }

  const std::size_t size_;
  const std::unique_ptr<std::byte[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> written_ = 0;
  alignas(64) std::atomic<std::uint64_t> read_ = 0;
};

}  // namespace rgw::capture
