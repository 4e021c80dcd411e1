// Stateless address translation: a prefix after RFC 6052, and explicit address maps after RFC 7757.
// Immutable.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
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
};

/// Longest-prefix match in both directions (SIIT-1): ten entries cost as much as a million.
class AddressMap {
 public:
  /// An empty map: translates nothing.
  AddressMap() = default;
  /// Throws std::invalid_argument for a mapping of wrong families, or whose IPv4 suffix is longer than its
  /// IPv6 one (RFC 7757 section 3.2).
  AddressMap(std::optional<net::Pref64> prefix, std::vector<AddressMapping> mappings);

  [[nodiscard]] bool empty() const { return !prefix_ && mappings_.empty(); }
  [[nodiscard]] std::size_t size() const { return mappings_.size(); }
  [[nodiscard]] const std::optional<net::Pref64>& prefix() const { return prefix_; }

  /// The explicit mapping that an address falls under; null where there is none.
  [[nodiscard]] const AddressMapping* row_of(const net::Ipv4Address& address) const {
    const auto* row = by_ipv4_.find(address);
    return row == nullptr ? nullptr : &mappings_[*row];
  }
  [[nodiscard]] const AddressMapping* row_of(const net::Ipv6Address& address) const {
    const auto* row = by_ipv6_.find(address);
    return row == nullptr ? nullptr : &mappings_[*row];
  }
  /// By an explicit mapping alone.
  [[nodiscard]] std::optional<net::Ipv6Address> mapped(const net::Ipv4Address& address) const {
    const auto* row = by_ipv4_.find(address);
    return row == nullptr ? std::nullopt : std::optional{to_ipv6(mappings_[*row], address)};
  }
  [[nodiscard]] std::optional<net::Ipv4Address> mapped(const net::Ipv6Address& address) const {
    const auto* row = by_ipv6_.find(address);
    return row == nullptr ? std::nullopt : to_ipv4(mappings_[*row], address);
  }
  /// By an explicit mapping, else by the prefix (RFC 7757 section 3.3).
  [[nodiscard]] std::optional<net::Ipv6Address> translate(const net::Ipv4Address& address) const {
    if (const auto explicitly = mapped(address)) return explicitly;
    return prefix_ ? std::optional{prefix_->embed(address)} : std::nullopt;
  }
  [[nodiscard]] std::optional<net::Ipv4Address> translate(const net::Ipv6Address& address) const {
    if (const auto explicitly = mapped(address)) return explicitly;
    return prefix_ ? prefix_->extract(address) : std::nullopt;
  }

 private:
  static net::Ipv6Address to_ipv6(const AddressMapping& mapping, const net::Ipv4Address& address);
  /// Nothing where the IPv6 suffix has bits that IPv4 has no room for.
  static std::optional<net::Ipv4Address> to_ipv4(const AddressMapping& mapping,
                                                 const net::Ipv6Address& address);

  std::optional<net::Pref64> prefix_;
  std::vector<AddressMapping> mappings_;
  net::LongestPrefixMap<net::Ipv4Address, std::uint32_t> by_ipv4_;
  net::LongestPrefixMap<net::Ipv6Address, std::uint32_t> by_ipv6_;
};

}  // namespace rgw::nat
