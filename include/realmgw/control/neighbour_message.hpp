// ARP packets (RFC 826) and neighbour solicitations and advertisements (RFC 4861), in one form for both
// families.
#pragma once

#include "realmgw/base/verdict.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace rgw::control {

/// What such a message says.
struct NeighbourMessage {
  enum class Kind : std::uint8_t {
    request,  ///< ARP request, neighbour solicitation: `sender` asks for `target`
    reply     ///< ARP reply, neighbour advertisement: `sender` tells its own MAC
  };
  Kind kind;
  net::IpAddress sender;               ///< unspecified: a request that only looks for a duplicate address
  net::IpAddress target;               ///< of a request; of a reply the same as `sender`
  std::optional<net::MacAddress> mac;  ///< of `sender`, where it was told
  bool solicited = false;   ///< of a reply: an answer to us, which proves that our packets arrive there
  bool overriding = false;  ///< of a reply: it may replace a MAC that we hold (RFC 4861 section 4.4)
};

/// Reads an Ethernet frame. `Verdict::pass()`: it is no such message. `Verdict::drop(arp_malformed |
/// nd_malformed)`: it is one that fails the validity checks (RFC 4861 sections 7.1.1 and 7.1.2; lengths and
/// types of RFC 826).
[[nodiscard]] std::variant<NeighbourMessage, Verdict> read_neighbour_message(
    std::span<const std::uint8_t> frame);

/// A frame built in place, long enough for either request.
class NeighbourFrame {
 public:
  static constexpr std::size_t capacity = 86;
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }

 private:
  friend NeighbourFrame neighbour_request(const net::MacAddress&, const net::IpAddress&,
                                          const net::IpAddress&, std::optional<net::MacAddress>);
  std::array<std::uint8_t, capacity> bytes_{};
  std::size_t size_ = 0;
};

/// The frame that asks for the MAC of `target` on behalf of `own`; both are of one family. Sent to `known`
/// alone where it is given (RFC 1122 section 2.3.2.1, RFC 4861 section 7.3.3), else to the broadcast address
/// or the solicited-node group.
[[nodiscard]] NeighbourFrame neighbour_request(const net::MacAddress& own_mac, const net::IpAddress& own,
                                               const net::IpAddress& target,
                                               std::optional<net::MacAddress> known = std::nullopt);

}  // namespace rgw::control
