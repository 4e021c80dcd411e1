// What an upstream answered: read, checked, and stripped of everything that does not answer the question.
#pragma once

#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/message_writer.hpp"
#include "realmgw/dns/name.hpp"
#include "realmgw/dns/types.hpp"
#include "realmgw/dns/zone.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rgw::dns {

/// One record of class IN.
struct Record {
  Section section = Section::answer;
  Name owner;
  RrType type{};
  std::uint32_t ttl = 0;  ///< seconds
  Rdata rdata;
};

/// The part of an answer that is the same for everybody who asks.
struct Response {
  Rcode rcode = Rcode::noerror;  ///< noerror, nxdomain, or servfail for every other
  bool authentic = false;        ///< the upstream says that it validated this (AD, RFC 4035 section 3.2.3)
  bool synthesised = false;      ///< by DNS64 or DNS46
  std::vector<Record> records;   ///< sections in their order; the answer in the order of its chain
  std::optional<ExtendedError> error;  ///< why it failed
  /// Where a chain of aliases ends without a word of what stands there: the upstream has not followed it.
  std::optional<Name> leads_to{};

  [[nodiscard]] static Response failure(ExtendedError why);
  /// Does the answer section hold a record of this type?
  [[nodiscard]] bool has(RrType type) const;
  /// The SOA record of a negative answer; null without one.
  [[nodiscard]] const Record* soa() const;
  /// How long it may be kept, in seconds: the least TTL of its records (RFC 2181 section 5.2), for a negative
  /// answer without SOA nothing (RFC 2308 section 5), for a failure `failure_ttl`.
  [[nodiscard]] std::uint32_t lifetime() const;

  /// RFC 8767 section 4 would allow a week; nothing that is asked for is as stable as that.
  static constexpr std::uint32_t max_ttl = 86'400;
  static constexpr std::uint32_t max_negative_ttl = 10'800;  ///< RFC 2308 section 5: one to three hours
  static constexpr std::uint32_t failure_ttl = 5;            ///< RFC 9520 section 3.2: 1 s to 5 min
};

/// The most links of CNAME and DNAME that are followed.
inline constexpr unsigned max_chain = 16;

/// Reads a reply to `question`. The answer section keeps the chain that leads from the question to its data
/// and nothing beside it, the authority section the SOA of a negative answer; with `dnssec_ok` signatures and
/// denials stay, too. A chain that comes back to itself, or is too long, is a failure. Times to live are
/// bounded as above, and that of a negative answer's SOA is the lesser of its own and MINIMUM (RFC 2308
/// section 3). Nothing where the message is malformed, is no response, or answers another question.
[[nodiscard]] std::optional<Response> read_response(std::span<const std::uint8_t> message,
                                                    const Question& question, bool dnssec_ok);

/// The name in the data of a CNAME, DNAME, NS or PTR record.
[[nodiscard]] Name name_in(const Record& record);
/// A record whose data is one name.
[[nodiscard]] Record name_record(const Name& owner, RrType type, std::uint32_t ttl, const Name& target);
/// An A or AAAA record.
[[nodiscard]] Record address_record(const Name& owner, std::uint32_t ttl, const net::IpAddress& address);
/// The address in an A or AAAA record.
[[nodiscard]] net::IpAddress address_in(const Record& record);

}  // namespace rgw::dns
