// Records from presentation form to wire form. The one place that speaks ldns; start-up and reload only.
#pragma once

#include "realmgw/dns/zone.hpp"

#include <cstdint>
#include <string>

namespace rgw::dns {

/// A record as the wire has it.
struct WireRecord {
  Name owner;
  RrType type{};
  std::uint32_t ttl = 0;
  Rdata rdata;
};

/// Reads one record; names in its data that have no final dot are relative to `origin`.
/// Throws std::invalid_argument that says what is wrong, without saying where.
[[nodiscard]] WireRecord parse_record(const Name& owner, std::uint32_t ttl, const std::string& type,
                                      const std::string& data, const Name& origin);

/// SOA data (RFC 1035 section 3.3.13). By default with the refresh, retry and expire values that RIPE-203
/// advises; a shorter refresh has a shorter retry.
[[nodiscard]] Rdata soa_rdata(const Name& primary, const Name& contact, std::uint32_t serial,
                              std::uint32_t minimum, std::uint32_t refresh = 86'400);

/// The data of NS, CNAME or PTR.
[[nodiscard]] Rdata name_rdata(const Name& name);

/// The name that a record of type NS, CNAME, PTR, MX or SRV points to.
[[nodiscard]] Name target_of(RrType type, const Rdata& rdata);

}  // namespace rgw::dns
