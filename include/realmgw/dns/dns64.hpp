// DNS64 (RFC 6147): AAAA records for names that have only A records. Pure functions over responses; who asks
// for what, and when, is the recursor's matter.
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/response.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/rfc6052.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::dns {

/// The rules for one translation prefix.
class Dns64 {
 public:
  /// The TTL's bound where the negative answer had no SOA (RFC 6147 section 5.1.7), seconds.
  static constexpr std::uint32_t ttl_without_soa = 600;

  explicit Dns64(const net::Pref64& pref64, std::vector<net::Prefix> excluded = default_exclusions());

  /// ::ffff:0:0/96: IPv4-mapped addresses, which never stand in a packet.
  [[nodiscard]] static std::vector<net::Prefix> default_exclusions();

  /// Is this address of the kind that an IPv6-only host cannot use (RFC 6147 section 5.1.4)?
  [[nodiscard]] bool is_excluded(const net::Ipv6Address& address) const;
  /// Takes excluded addresses away; where none remains the answer is empty.
  void exclude(Response& aaaa) const;

  /// Answers an AAAA question out of the answer to the A one (RFC 6147 sections 5.1.5 to 5.1.7): the chain of
  /// aliases, then an AAAA record for each A record. `aaaa` is the answer without AAAA records that sets the
  /// TTL. Never authentic: what is synthesised has no signature. Nothing where there is no A record that the
  /// prefix represents.
  [[nodiscard]] std::optional<Response> synthesise(const Response& aaaa, const Response& a) const;

  /// The IPv4 address whose PTR record answers for a name below ip6.arpa (RFC 6147 section 5.3.1).
  [[nodiscard]] std::optional<net::IpAddress> reverse(const Name& name) const;

  /// Names that a DNS64 answers by itself (RFC 8880 section 7.2): ipv4only.arpa, by which a host finds the
  /// prefix (RFC 7050), what is below it, and the reverse names of its addresses.
  [[nodiscard]] std::optional<Response> special(const Question& question) const;

  [[nodiscard]] const net::Pref64& pref64() const { return pref64_; }

 private:
  net::Pref64 pref64_;
  std::vector<net::Prefix> excluded_;
};

}  // namespace rgw::dns
