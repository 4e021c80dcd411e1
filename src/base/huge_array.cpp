#include "realmgw/base/huge_array.hpp"

#include <algorithm>
#include <cstdint>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace rgw {
namespace {

constexpr int lowest_priority = 19;  // nice(2)

std::size_t small_page() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

void* map(std::size_t bytes) {
  void* start = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc{};
  return start;
}

void touch(std::byte* begin, std::size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  if (::madvise(begin, bytes, MADV_POPULATE_WRITE) == 0) return;
#endif
  // Kernels before 5.14: write to each page what it holds, in one step, for somebody may use it by now.
  for (std::size_t at = 0; at < bytes; at += small_page())
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(begin + at), 0, __ATOMIC_RELAXED);
}

}  // namespace

HugeMemory::HugeMemory(std::size_t bytes) {
  const std::size_t page = bytes < huge_page ? small_page() : huge_page;
  if (bytes > SIZE_MAX - 2 * huge_page) throw std::bad_alloc{};
  bytes_ = bytes == 0 ? page : (bytes + page - 1) / page * page;
  if (page != huge_page) {
    start_ = map(bytes_);
    return;
  }
  // Kernels before 6.7 do not align a mapping to huge pages: map one more, and give back the ends.
  auto* raw = static_cast<std::byte*>(map(bytes_ + huge_page));
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(raw) % huge_page;
  start_ = raw + before;
  if (before != 0) ::munmap(raw, before);
  ::munmap(raw + before + bytes_, huge_page - before);
  // Where transparent huge pages are off this fails, and small pages do.
  ::madvise(start_, bytes_, MADV_HUGEPAGE);
}

HugeMemory::~HugeMemory() {
  if (start_ != nullptr) ::munmap(start_, bytes_);
}

void HugeMemory::prefault() {
  touch(static_cast<std::byte*>(start_), bytes_);
}

std::jthread HugeMemory::prefault_in_order(std::size_t at_once) {
  at_once = std::min(bytes_, (at_once + huge_page - 1) / huge_page * huge_page);
  auto* const start = static_cast<std::byte*>(start_);
  touch(start, at_once);
  if (at_once == bytes_) return {};
  return std::jthread{[at = start + at_once, left = bytes_ - at_once](const std::stop_token& stop) mutable {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest_priority);
    while (left != 0 && !stop.stop_requested()) {
      const std::size_t step = std::min(left, huge_page);
      touch(at, step);
      at += step;
      left -= step;
    }
  }};
}

}  // namespace rgw
