// Memory of the big tables: zeroed, on huge pages where the kernel has them, touched only when used.
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

namespace rgw {

/// Owns an anonymous mapping. One of 2 MiB or more begins on a huge page and asks for transparent huge pages,
/// without which random access to a table of 100 MiB pays a walk through page tables with almost every cache
/// miss. The reserved pages of hugetlbfs are left alone: the operator counted them out for packet buffers,
/// and a table that took some would make the packet pool fail at a later moment.
class HugeMemory {
 public:
  static constexpr std::size_t huge_page = std::size_t{2} << 20;  ///< bytes

  /// Throws std::bad_alloc. Costs no more for a large size than for a small one: pages are zeroed at first
  /// touch.
  explicit HugeMemory(std::size_t bytes);
  ~HugeMemory();
  HugeMemory(HugeMemory&& other) noexcept
      : start_{std::exchange(other.start_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
  HugeMemory& operator=(HugeMemory&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  [[nodiscard]] void* data() const { return start_; }
  /// Rounded up to whole pages.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Touches all pages now, on the NUMA node of the calling thread, before a packet has to wait for one: the
  /// first touch of a huge page takes about 100 us. Takes 0.2 s a GiB, and up to 2 s in a virtual machine
  /// that has to find the memory first.
  void prefault();
  /// The same of the first `at_once` bytes; the others are touched in order behind it, by a thread of low
  /// priority, while the memory is in use already. The thread ends by itself or when it is destroyed, which
  /// has to be before the memory goes.
  [[nodiscard]] std::jthread prefault_in_order(std::size_t at_once);

 private:
  void* start_ = nullptr;
  std::size_t bytes_ = 0;
};

/// An array of a fixed number of `T`, all of its bytes zero at first, in HugeMemory.
template <class T>
class HugeArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit HugeArray(std::size_t size) : memory_{bytes_for(size)}, size_{size} {}

  [[nodiscard]] T& operator[](std::size_t i) { return data()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data()[i]; }
  [[nodiscard]] T* data() { return static_cast<T*>(memory_.data()); }
  [[nodiscard]] const T* data() const { return static_cast<const T*>(memory_.data()); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return memory_.bytes(); }
  void prefault() { memory_.prefault(); }
  [[nodiscard]] std::jthread prefault_in_order(std::size_t at_once) {
    return memory_.prefault_in_order(at_once);
  }

 private:
  static std::size_t bytes_for(std::size_t size) {
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length{};
    return size * sizeof(T);
  }

  HugeMemory memory_;
  std::size_t size_;
};

}  // namespace rgw
