// Addresses in any text: wherever one stands, whatever the text is about, escaped or not.
#pragma once

#include "realmgw/alg/header_text.hpp"
#include "realmgw/net/address.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rgw::alg {

/// A run of text without white space or quotes that has addresses in it: an address alone, "name=192.0.2.1",
/// or an identifier such as "7f3@192.0.2.1".
struct AddressToken {
  struct Place {
    std::size_t at = 0;  ///< in `text`; square brackets belong to it
    std::size_t length = 0;
    net::IpAddress address;
  };
  std::string text;              ///< %40 is @ (RFC 3986 section 2.1)
  std::vector<std::size_t> raw;  ///< where each byte of `text` stands in the message, and where it ends
  std::vector<Place> places;
  bool parameter = false;  ///< an address alone, with the name of a parameter before it

  /// An address and nothing else.
  [[nodiscard]] bool bare() const { return places.size() == 1 && places.front().length == text.size(); }
  /// Where `length` bytes from `at` of `text` stand.
  [[nodiscard]] std::pair<std::size_t, std::size_t> raw_of(std::size_t at, std::size_t length) const {
    return {raw[at], raw[at + length] - raw[at]};
  }
};

using WantsAddress = std::function<bool(const net::IpAddress&)>;

/// The tokens that have a wanted address. IPv4 addresses are four decimal numbers; IPv6 ones may be written
/// in any form of RFC 4291 section 2.2.
[[nodiscard]] std::vector<AddressToken> find_addresses(Piece piece, const WantsAddress& wanted);
/// The whole piece as one token; no places where it has no wanted address.
[[nodiscard]] AddressToken address_token(Piece piece, const WantsAddress& wanted);

/// Begins and ends, in order.
using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;
/// What of a piece no range covers.
[[nodiscard]] std::vector<Piece> between(Piece piece, const Ranges& ranges);

/// An address in the place of another: with brackets where an IPv6 address stands where a URI has its host,
/// and without them for an IPv4 one.
[[nodiscard]] std::string address_instead(const AddressToken& token, const AddressToken::Place& place,
                                          const net::IpAddress& address);

}  // namespace rgw::alg
