// Stateless address translation: a prefix after RFC 6052, and explicit address maps after RFC 7757.
// Immutable.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/prefix_set.hpp"
#include "realmgw/net/rfc6052.hpp"
#include "realmgw/net/route_table.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::nat {

/// One row of the explicit address mapping table: two prefixes whose suffixes correspond (RFC 7757
/// section 3.2).
struct AddressMapping {
  net::Prefix ipv4;
  net::Prefix ipv6;
  net::Family hosts = net::Family::v6;  ///< what those speak that it is about; the other side stands for them
};

/// Longest-prefix match in both directions (SIIT-1). A lookup probes a table for each halving of the number
/// of different prefix lengths (net::LongestPrefixMap states the bound), however many mappings there are: a
/// million cost what ten do, but for cache misses, which `prefetch` takes ahead. A single address takes 16 to
/// 32 bytes and a row of 18 (from IPv4), and 40 to 80 and a row of 6 (from IPv6).
class AddressMap {
 public:
  /// An empty map: translates nothing.
  AddressMap() = default;
  /// Throws std::invalid_argument for a mapping of wrong families, or whose IPv4 suffix is longer than its
  /// IPv6 one (RFC 7757 section 3.2). `destinations`: IPv4 ones to which the way leads by the prefix.
  AddressMap(std::optional<net::Pref64> prefix, std::vector<AddressMapping> mappings,
             net::PrefixSet destinations = {});

  [[nodiscard]] bool empty() const { return !prefix_ && by_ipv4_.empty(); }
  [[nodiscard]] std::size_t size() const { return by_ipv4_.size(); }
  [[nodiscard]] std::size_t bytes() const { return by_ipv4_.bytes() + by_ipv6_.bytes(); }
  [[nodiscard]] const std::optional<net::Pref64>& prefix() const { return prefix_; }

  /// The explicit mapping that an address falls under. Not for the packet path: it is put together.
  [[nodiscard]] std::optional<AddressMapping> row_of(const net::Ipv4Address& address) const {
    const auto* row = by_ipv4_.find(address);
    if (row == nullptr) return std::nullopt;
    return AddressMapping{{net::truncated(address, row->ipv4_length), row->ipv4_length},
                          {row->prefix, row->ipv6_length}};
  }
  [[nodiscard]] std::optional<AddressMapping> row_of(const net::Ipv6Address& address) const {
    const auto* row = by_ipv6_.find(address);
    if (row == nullptr) return std::nullopt;
    return AddressMapping{{row->prefix, row->ipv4_length},
                          {net::truncated(address, row->ipv6_length), row->ipv6_length}};
  }
  /// Does an explicit mapping make the address stand for a host of the other family? Not for the packet path.
  [[nodiscard]] bool stands_in(const net::IpAddress& address) const;
  /// By an explicit mapping alone.
  [[nodiscard]] std::optional<net::Ipv6Address> mapped(const net::Ipv4Address& address) const {
    const auto* row = by_ipv4_.find(address);
    return row == nullptr ? std::nullopt : std::optional{to_ipv6(*row, address)};
  }
  /// By the prefix, where that stands for an IPv4 destination.
  [[nodiscard]] std::optional<net::Ipv6Address> destination(const net::Ipv4Address& address) const {
    return prefix_ && destinations_.contains(address) ? std::optional{prefix_->embed(address)} : std::nullopt;
  }
  [[nodiscard]] std::optional<net::Ipv4Address> mapped(const net::Ipv6Address& address) const {
    const auto* row = by_ipv6_.find(address);
    return row == nullptr ? std::nullopt : std::optional{to_ipv4(*row, address)};
  }
  /// Do two addresses differ in nothing that the row of the first looks at? Then both are one IPv4 address.
  [[nodiscard]] bool same_by_map(const net::Ipv6Address& one, const net::Ipv6Address& other) const;
  /// By an explicit mapping, else by the prefix (RFC 7757 section 3.3), as far as that may show the address
  /// (RFC 6052 section 3.1).
  [[nodiscard]] std::optional<net::Ipv6Address> translate(const net::Ipv4Address& address) const {
    if (const auto explicitly = mapped(address)) return explicitly;
    return by_prefix(address);
  }
  [[nodiscard]] std::optional<net::Ipv4Address> translate(const net::Ipv6Address& address) const {
    if (const auto explicitly = mapped(address)) return explicitly;
    const auto embedded = prefix_ ? prefix_->extract(address) : std::nullopt;
    return embedded && prefix_->may_show(*embedded) ? embedded : std::nullopt;
  }
  /// By the prefix alone.
  [[nodiscard]] std::optional<net::Ipv6Address> by_prefix(const net::Ipv4Address& address) const {
    return prefix_ && prefix_->may_show(address) ? std::optional{prefix_->embed(address)} : std::nullopt;
  }
  /// Has it no address in the other family for the one reason that the prefix must not show it?
  [[nodiscard]] bool withholds(const net::Ipv4Address& address) const {
    return prefix_ && !prefix_->may_show(address) && !mapped(address);
  }
  [[nodiscard]] bool withholds(const net::Ipv6Address& address) const {
    const auto embedded = prefix_ ? prefix_->extract(address) : std::nullopt;
    return embedded && !prefix_->may_show(*embedded) && !mapped(address);
  }
  /// Asks for the memory that a lookup of the address begins with.
  [[gnu::always_inline]] void prefetch(const net::Ipv4Address& address) const { by_ipv4_.prefetch(address); }
  [[gnu::always_inline]] void prefetch(const net::Ipv6Address& address) const { by_ipv6_.prefetch(address); }

 private:
  /// What an address of one family becomes: the other family's prefix, and how long both are. A lookup reads
  /// nothing else.
  template <class To>
  struct Row {
    To prefix;
    std::uint8_t ipv4_length, ipv6_length;
  };

  static net::Ipv6Address to_ipv6(const Row<net::Ipv6Address>& row, const net::Ipv4Address& address);
  static net::Ipv4Address to_ipv4(const Row<net::Ipv4Address>& row, const net::Ipv6Address& address);

  std::optional<net::Pref64> prefix_;
  net::PrefixSet destinations_;
  net::LongestPrefixMap<net::Ipv4Address, Row<net::Ipv6Address>> by_ipv4_;
  net::LongestPrefixMap<net::Ipv6Address, Row<net::Ipv4Address>> by_ipv6_;
  std::vector<net::Prefix> of_ipv4_hosts_;  ///< the IPv4 sides of their mappings, sorted
};

}  // namespace rgw::nat
