// Reverse zones, derived from what the forward ones say: a PTR exists only where the name has the address
// (DNS-1).
#pragma once

#include "realmgw/dns/zone.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rgw::dns {

/// "10.100.51.198.in-addr.arpa" (RFC 1035 section 3.5), "0.1.….ip6.arpa" (RFC 3596 section 2.5).
[[nodiscard]] std::string reverse_name(const net::IpAddress& address);
/// The inverse: the address whose reverse name this is, whole. Nothing for any other name.
[[nodiscard]] std::optional<net::IpAddress> address_of_reverse(const Name& name);

/// Is it a name of the trees in which reverse names stand?
[[nodiscard]] bool is_reverse(const Name& name);

/// Reverse zones that cover `prefix` and nothing else: one where its length lies on a label's edge (8 bits in
/// IPv4, 4 in IPv6), else as many as it takes, at most 128; an IPv4 prefix longer than 24 gives one zone an
/// address. What is not ours must not be denied. A PTR stands in them for each of `names` that `prefix`
/// holds. SOA, NS, TTLs, serial and views are those of `like`.
[[nodiscard]] std::vector<ZoneSpec> reverse_zones(const ZoneSpec& like, const net::Prefix& prefix,
                                                  std::span<const NamedAddress> names);

}  // namespace rgw::dns
