#include "realmgw/dns/dns64.hpp"

#include "realmgw/dns/reverse.hpp"
#include "realmgw/net/prefix.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "record.hpp"

namespace rgw::dns {
namespace {

/// Is `address` in a.b.0.0/length?
struct Block {
  net::Ipv4Address address;
  unsigned length;

  [[nodiscard]] constexpr bool contains(const net::Ipv4Address& other) const {
    return ((address.value.host() ^ other.value.host()) >> (32 - length)) == 0;
  }
};

/// No host that a gateway could reach has one of these.
constexpr std::array<Block, 4> never_remote{{
    {net::Ipv4Address{0, 0, 0, 0}, 8},    // "this network"; also what filters put in place of an address
    {net::Ipv4Address{127, 0, 0, 0}, 8},  // loopback
    {net::Ipv4Address{224, 0, 0, 0}, 4},  // multicast
    {net::Ipv4Address{240, 0, 0, 0}, 4},  // class E
}};
/// Not globally reachable (the IANA special-purpose registry, RFC 6890).
constexpr std::array<Block, 11> not_global{{
    {net::Ipv4Address{10, 0, 0, 0}, 8},
    {net::Ipv4Address{100, 64, 0, 0}, 10},
    {net::Ipv4Address{169, 254, 0, 0}, 16},
    {net::Ipv4Address{172, 16, 0, 0}, 12},
    {net::Ipv4Address{192, 0, 0, 0}, 24},
    {net::Ipv4Address{192, 0, 2, 0}, 24},
    {net::Ipv4Address{192, 88, 99, 0}, 24},
    {net::Ipv4Address{192, 168, 0, 0}, 16},
    {net::Ipv4Address{198, 18, 0, 0}, 15},
    {net::Ipv4Address{198, 51, 100, 0}, 24},
    {net::Ipv4Address{203, 0, 113, 0}, 24},
}};

bool in_any(std::span<const Block> blocks, const net::Ipv4Address& address) {
  return std::ranges::any_of(blocks, [&](const Block& block) { return block.contains(address); });
}

RrType covered(const Record& signature) {
  const auto& bytes = signature.rdata.bytes;
  return bytes.size() < 2 ? RrType{} : static_cast<RrType>(bytes[0] << 8 | bytes[1]);
}

/// RFC 8880 section 6.
constexpr std::array<net::Ipv4Address, 2> well_known{net::Ipv4Address{192, 0, 0, 170},
                                                     net::Ipv4Address{192, 0, 0, 171}};
constexpr std::uint32_t well_known_ttl = 86'400;

const Name& ipv4only() {
  static const Name name = Name::from_text("ipv4only.arpa").value();
  return name;
}

Response denial(const Name& zone, Rcode rcode) {
  static const Name contact = Name::from_text("nobody.invalid").value();  // RFC 6303 section 3
  Response response;
  response.rcode = rcode;
  response.records.push_back(
      {Section::authority, zone, RrType::soa, well_known_ttl, soa_rdata(zone, contact, 1, well_known_ttl)});
  return response;
}

}  // namespace

bool Dns64::is_excluded(const net::Ipv6Address& address) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(mapped.begin(), mapped.end(), address.bytes.begin());
}

void Dns64::exclude(Response& aaaa) {
  const auto unwanted = [](const Record& record) {
    return record.section == Section::answer && record.type == RrType::aaaa &&
           is_excluded(address_in(record).v6());
  };
  if (std::erase_if(aaaa.records, unwanted) == 0) return;
  // What signed the whole RRset signs no part of it.
  std::erase_if(aaaa.records, [](const Record& record) {
    return record.type == RrType::rrsig && covered(record) == RrType::aaaa;
  });
  aaaa.authentic = false;
}

bool Dns64::translates(const net::Ipv4Address& address) const {
  if (in_any(never_remote, address)) return false;
  return !pref64_.is_well_known() || !in_any(not_global, address);
}

std::optional<Response> Dns64::synthesise(const Response& aaaa, const Response& a) const {
  const Record* soa = aaaa.soa();
  const std::uint32_t bound = soa == nullptr ? ttl_without_soa : soa->ttl;
  Response response;
  response.synthesised = true;
  bool any = false;
  for (const auto& record : a.records) {
    if (record.section != Section::answer) continue;
    if (record.type == RrType::a) {
      const auto address = address_in(record).v4();
      if (!translates(address)) continue;
      response.records.push_back(
          address_record(record.owner, std::min(record.ttl, bound), pref64_.embed(address)));
      any = true;
    } else if (record.type != RrType::rrsig || covered(record) != RrType::a) {
      response.records.push_back(record);
    }
  }
  if (!any) return std::nullopt;
  return response;
}

std::optional<net::IpAddress> Dns64::reverse(const Name& name) const {
  const auto address = address_of_reverse(name);
  if (!address || !address->is_v6()) return std::nullopt;
  const auto inner = pref64_.extract(address->v6());
  return inner ? std::optional<net::IpAddress>{*inner} : std::nullopt;
}

std::optional<Response> Dns64::special(const Question& question) const {
  if (question.type == RrType::ptr) {
    const auto address = address_of_reverse(question.name);
    if (address && address->is_v4() && std::ranges::find(well_known, address->v4()) != well_known.end()) {
      Response response;
      response.records.push_back(name_record(question.name, RrType::ptr, well_known_ttl, ipv4only()));
      return response;
    }
  }
  if (!question.name.is_within(ipv4only())) return std::nullopt;
  if (!(question.name == ipv4only())) return denial(ipv4only(), Rcode::nxdomain);
  Response response;
  for (const auto& address : well_known) {
    // The one non-global address that the well-known prefix represents (RFC 8880 section 7.1).
    if (question.type == RrType::a) {
      response.records.push_back(address_record(question.name, well_known_ttl, address));
    } else if (question.type == RrType::aaaa) {
      response.records.push_back(address_record(question.name, well_known_ttl, pref64_.embed(address)));
      response.synthesised = true;
    }
  }
  return response.records.empty() ? denial(ipv4only(), Rcode::noerror) : response;
}

}  // namespace rgw::dns
