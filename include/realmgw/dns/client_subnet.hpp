// For whom a resolver asks: the option Client Subnet of EDNS (RFC 7871).
#pragma once

#include "realmgw/net/prefix.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rgw::dns {

struct ClientSubnet {
  std::uint16_t family =
      0;               ///< 1: IPv4, 2: IPv6; 0: none, and no prefix, as who wants to tell nothing writes
  net::Prefix prefix;  ///< of the length 0: the resolver tells nothing

  friend bool operator==(const ClientSubnet&, const ClientSubnet&) = default;
};

/// Reads the option's data out of a query. Nothing where it is not as RFC 7871 section 6 has it: another
/// family, a prefix longer than its addresses, a scope that is not 0, more or fewer bytes of address than the
/// prefix takes, or bits set beyond it.
[[nodiscard]] std::optional<ClientSubnet> read_client_subnet(std::span<const std::uint8_t> data);

/// The option's data in an answer: what the query said, and how long a prefix the answer is for.
class ClientSubnetEcho {
 public:
  explicit ClientSubnetEcho(const ClientSubnet& subnet);
  /// The answer is for clients of the query's prefix alone (section 7.2.1); until then it is for all.
  void narrow() { bytes_[3] = bytes_[2]; }
  [[nodiscard]] std::span<const std::uint8_t> data() const { return std::span{bytes_}.first(size_); }

 private:
  std::array<std::uint8_t, 4 + 16> bytes_{};
  std::size_t size_;
};

}  // namespace rgw::dns
