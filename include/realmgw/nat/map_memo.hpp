// What a map has made of addresses lately: one look instead of searches by prefix. Hot path.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/base/huge_array.hpp"
#include "realmgw/nat/address_map.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/checksum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

namespace rgw::nat {

/// Remembers, of the packets that stateless maps (AddressMap) have translated, each source and each
/// destination by itself: what it became, and how to reach the latter. What is not here, or no longer, is
/// nothing: the stage `map` knows. Where maps or routes change another takes its place, and a
/// neighbour that has gone is known by its index, so what is remembered stays true.
class MapMemo {
 public:
  /// What an address was in its packet: the rules for the two differ (RFC 7757 section 4).
  enum class Role : std::uint8_t { source, destination };

  struct alignas(32) Entry {
    net::Ipv6Address ipv6;
    net::Ipv4Address ipv4;
    NeighbourIndex way;          ///< to a destination
    net::ChecksumDelta to_ipv4;  ///< in a pseudo-header, from IPv6 to IPv4
    std::uint8_t translated;     ///< 0: the entry is vacant; else one more than the Family it came in
  };

  /// For about as many addresses of each role as a map has rows; for none where it is empty.
  MapMemo(const AddressMap& map, const HashSalt& salt)
      : salt_{salt}, lines_{map.empty() ? 0 : 2 * lines_for(map.size())}, mask_{lines_.size() / 2 - 1} {
    lines_.prefault();
  }

  [[nodiscard]] bool enabled() const { return lines_.size() != 0; }

  /// Where an address stands, if it does. One multiplication is enough of a hash where a collision costs but
  /// a search.
  template <class From>
  [[nodiscard, gnu::always_inline]] std::size_t place_of(const From& address, Role role) const {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&low, &address, std::min<std::size_t>(sizeof address, 8));
    if constexpr (From::family == Family::v6) std::memcpy(&high, address.bytes.data() + 8, 8);
    const std::size_t hash = multiply_fold(low ^ salt_[0], high ^ salt_[1]);
    return (hash & mask_) + (role == Role::source ? 0 : mask_ + 1);
  }
  [[gnu::always_inline]] void prefetch(std::size_t place) const { __builtin_prefetch(&lines_[place]); }

  /// nullptr: not known.
  template <class From>
  [[nodiscard, gnu::always_inline]] const Entry* find(const From& address, std::size_t place) const {
    for (const Entry& entry : lines_[place].entries) {
      if (is_of(entry, address)) return &entry;
    }
    return nullptr;
  }

  /// `from` became `to`. Of two others in its place the one that was learnt earlier is forgotten.
  template <class From, class To>
  void learn(const From& from, const To& to, Role role, NeighbourIndex way) {
    auto& [newer, older] = lines_[place_of(from, role)].entries;
    if (is_of(older, from)) {
      std::swap(newer, older);
    } else if (!is_of(newer, from)) {
      older = newer;
    }
    if constexpr (From::family == Family::v6) {
      newer = entry(from, to, way);
    } else {
      newer = entry(to, from, way);
    }
    newer.translated = mark<From>;
  }

 private:
  static_assert(sizeof(Entry) == 32);
  struct alignas(64) Line {
    std::array<Entry, 2> entries;
  };

  template <class From>
  static constexpr std::uint8_t mark = static_cast<std::uint8_t>(From::family) + 1;

  // Twice as many places as rows, for prefixes have more addresses than one; 8 MiB at least and 64 at most.
  static std::size_t lines_for(std::size_t rows) {
    constexpr std::size_t fewest = std::size_t{1} << 16, most = std::size_t{1} << 19;
    return std::clamp(std::bit_ceil(rows), fewest, most);
  }

  static bool is_of(const Entry& entry, const net::Ipv4Address& address) {
    return entry.ipv4 == address && entry.translated == mark<net::Ipv4Address>;
  }
  [[gnu::always_inline]] static bool is_of(const Entry& entry, const net::Ipv6Address& address) {
    std::array<std::uint64_t, 2> theirs, ours;
    std::memcpy(theirs.data(), entry.ipv6.bytes.data(), 16);
    std::memcpy(ours.data(), address.bytes.data(), 16);
    return theirs == ours && entry.translated == mark<net::Ipv6Address>;
  }

  static Entry entry(const net::Ipv6Address& ipv6, const net::Ipv4Address& ipv4, NeighbourIndex way) {
    const auto delta =
        net::ChecksumDelta::between(net::ChecksumSum{}.add(ipv6), net::ChecksumSum{}.add(ipv4));
    return {ipv6, ipv4, way, delta, 0};
  }

  HashSalt salt_;
  HugeArray<Line> lines_;  ///< of sources, then of destinations
  std::size_t mask_;
};

}  // namespace rgw::nat
