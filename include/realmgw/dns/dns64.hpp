// DNS64 (RFC 6147): AAAA records for names that have only A records. Pure functions over responses; who asks
// for what, and when, is the recursor's matter.
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/response.hpp"
#include "realmgw/net/rfc6052.hpp"

#include <cstdint>
#include <optional>

namespace rgw::dns {

/// The rules for one translation prefix.
class Dns64 {
 public:
  /// The TTL's bound where the negative answer had no SOA (RFC 6147 section 5.1.7), seconds.
  static constexpr std::uint32_t ttl_without_soa = 600;

  explicit Dns64(const net::Pref64& pref64) : pref64_{pref64} {}

  /// Is this address of the kind that an IPv6-only host cannot use (RFC 6147 section 5.1.4)? It is the
  /// IPv4-mapped ones, which never stand in a packet.
  [[nodiscard]] static bool is_excluded(const net::Ipv6Address& address);
  /// Takes excluded addresses away; where none remains the answer is empty.
  static void exclude(Response& aaaa);

  /// Answers an AAAA question out of the answer to the A one (RFC 6147 sections 5.1.5 to 5.1.7): the chain of
  /// aliases, then an AAAA record for each A record. `aaaa` is the answer without AAAA records that sets the
  /// TTL. Never authentic: what is synthesised has no signature. Nothing where no A record can be translated.
  [[nodiscard]] std::optional<Response> synthesise(const Response& aaaa, const Response& a) const;

  /// May this address be embedded? Never one that no remote has; into the well-known prefix global ones alone
  /// (RFC 6052 section 3.1).
  [[nodiscard]] bool translates(const net::Ipv4Address& address) const;

  /// The IPv4 address whose PTR record answers for a name below ip6.arpa (RFC 6147 section 5.3.1).
  [[nodiscard]] std::optional<net::IpAddress> reverse(const Name& name) const;

  /// Names that a DNS64 answers by itself (RFC 8880 section 7.2): ipv4only.arpa, by which a host finds the
  /// prefix (RFC 7050), what is below it, and the reverse names of its addresses.
  [[nodiscard]] std::optional<Response> special(const Question& question) const;

  [[nodiscard]] const net::Pref64& pref64() const { return pref64_; }

 private:
  net::Pref64 pref64_;
};

}  // namespace rgw::dns
