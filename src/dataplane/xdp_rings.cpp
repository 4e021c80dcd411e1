#include "realmgw/dataplane/xdp_rings.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include <linux/if_xdp.h>

namespace rgw::dataplane {
namespace {

/// A piece of memory that is shared with the kernel.
struct Mapping {
  std::uintptr_t begin, end;
};
/// Of one socket, by what it is (XDP_PGOFF_RX_RING, ...).
using Rings = std::map<std::uint64_t, Mapping>;

/// All that sockets share with this process: "7f01-7f02 rw-s 100000000 00:08 4711   socket:[4711]".
std::map<ino_t, Rings> mapped_sockets() {
  std::map<ino_t, Rings> all;
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" socket:[") == std::string::npos) continue;
    unsigned long begin = 0, end = 0, inode = 0;
    unsigned long long offset = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %llx %*s %lu", &begin, &end, &offset, &inode) == 4)
      all[inode][offset] = {begin, end};
  }
  // Packet sockets have mappings, too, but no ring to be filled.
  std::erase_if(all, [](const auto& one) { return !one.second.contains(XDP_UMEM_PGOFF_FILL_RING); });
  return all;
}

template <class Value>
std::optional<Value> option(int socket, int name) {
  Value value{};
  socklen_t size = sizeof value;
  if (::getsockopt(socket, SOL_XDP, name, &value, &size) != 0 || size != sizeof value) return std::nullopt;
  return value;
}

/// Our descriptor of a socket; -1 where it has none.
int descriptor_of(ino_t socket) {
  const std::string name = "socket:[" + std::to_string(socket) + "]";
  std::error_code error;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", error}, end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    if (std::filesystem::read_symlink(at->path(), gone) == name) return std::stoi(at->path().filename());
  }
  return -1;
}

/// What lies in a ring: `Entry` between its two ends, which never wrap back.
template <class Entry>
class Ring {
 public:
  Ring(const Mapping& at, const xdp_ring_offset& offset)
      : producer_{number(at, offset.producer)},
        consumer_{number(at, offset.consumer)},
        entries_{reinterpret_cast<const Entry*>(at.begin + offset.desc)},
        // A power of two. The mapping ends with the page that the last entry lies in.
        size_{static_cast<std::uint32_t>(std::bit_floor((at.end - at.begin - offset.desc) / sizeof(Entry)))} {
  }
  [[nodiscard]] std::uint32_t producer() const { return producer_; }
  /// From `begin` on, if that lies between the ends; else from the consumer's end.
  template <class Take>
  void each_from(std::uint32_t begin, Take take) const {
    if (producer_ - consumer_ > size_) return;  // no ring that we know
    if (begin - consumer_ > producer_ - consumer_) begin = consumer_;
    for (std::uint32_t i = begin; i != producer_; ++i) take(entries_[i & (size_ - 1)]);
  }
  template <class Take>
  void each(Take take) const {
    each_from(consumer_, take);
  }

 private:
  static std::uint32_t number(const Mapping& at, std::uint64_t offset) {
    return std::atomic_ref{*reinterpret_cast<std::uint32_t*>(at.begin + offset)}.load();
  }
  std::uint32_t producer_, consumer_;
  const Entry* entries_;
  std::uint32_t size_;
};

/// The buffers of a pool by where they lie in it, as the driver tells the kernel.
class Buffers {
 public:
  explicit Buffers(const rte_mempool& pool)
      : first_{reinterpret_cast<std::uintptr_t>(STAILQ_FIRST(&pool.mem_list)->addr)},
        base_{first_ & ~(static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)) - 1)},
        header_{pool.header_size},
        size_{std::uintptr_t{pool.header_size} + pool.elt_size + pool.trailer_size},
        count_{pool.populated_size} {}

  void add(std::uint64_t address) {
    const std::uintptr_t object = base_ + (address & XSK_UNALIGNED_BUF_ADDR_MASK);
    if (object < first_ || (object - first_) % size_ != 0 || (object - first_) / size_ >= count_) return;
    found_.insert(reinterpret_cast<rte_mbuf*>(object + header_));
  }
  [[nodiscard]] const std::set<rte_mbuf*>& found() const { return found_; }

 private:
  std::uintptr_t first_, base_, header_, size_, count_;
  std::set<rte_mbuf*> found_;
};

void look_into(const Rings& rings, const xdp_mmap_offsets& offsets, Buffers& buffers) {
  const Ring<std::uint64_t> to_fill{rings.at(XDP_UMEM_PGOFF_FILL_RING), offsets.fr};
  const Ring<std::uint64_t> sent{rings.at(XDP_UMEM_PGOFF_COMPLETION_RING), offsets.cr};
  const Ring<xdp_desc> received{rings.at(XDP_PGOFF_RX_RING), offsets.rx};
  const Ring<xdp_desc> to_send{rings.at(XDP_PGOFF_TX_RING), offsets.tx};
  to_fill.each([&](std::uint64_t address) { buffers.add(address); });
  received.each([&](const xdp_desc& packet) { buffers.add(packet.addr); });
  // The kernel publishes late how much it has taken from this ring. But for each packet that it has taken it
  // tells once, in the same order, that it is sent: how often, is how much it has taken.
  to_send.each_from(sent.producer(), [&](const xdp_desc& packet) { buffers.add(packet.addr); });
  sent.each([&](std::uint64_t address) { buffers.add(address); });
}

}  // namespace

std::set<ino_t> xdp_sockets() {
  std::set<ino_t> sockets;
  for (const auto& [inode, rings] : mapped_sockets()) sockets.insert(inode);
  return sockets;
}

std::vector<rte_mbuf*> buffers_in_rings(const std::set<ino_t>& sockets, const rte_mempool& pool) {
  Buffers buffers{pool};
  const auto mapped = mapped_sockets();
  for (const ino_t inode : sockets) {
    const auto found = mapped.find(inode);
    if (found == mapped.end() || found->second.size() != 4) continue;
    const int socket = descriptor_of(inode);
    const auto offsets = option<xdp_mmap_offsets>(socket, XDP_MMAP_OFFSETS);
    const auto options = option<xdp_options>(socket, XDP_OPTIONS);
    if (offsets && options && (options->flags & XDP_OPTIONS_ZEROCOPY) == 0)
      look_into(found->second, *offsets, buffers);
  }
  return {buffers.found().begin(), buffers.found().end()};
}

void close_sockets(const std::set<ino_t>& sockets) {
  for (const ino_t inode : sockets) {
    if (const int socket = descriptor_of(inode); socket >= 0) ::close(socket);
  }
}

}  // namespace rgw::dataplane
