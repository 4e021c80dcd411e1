#include "realmgw/dns/dns64.hpp"

#include "realmgw/dns/reverse.hpp"
#include "realmgw/net/prefix.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "record.hpp"

namespace rgw::dns {
namespace {

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

Dns64::Dns64(const net::Pref64& pref64, std::vector<net::Prefix> excluded)
    : pref64_{pref64}, excluded_{std::move(excluded)} {}

std::vector<net::Prefix> Dns64::default_exclusions() {
  return {net::Prefix{net::IpAddress{net::Ipv6Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}}, 96}};
}

bool Dns64::is_excluded(const net::Ipv6Address& address) const {
  return std::ranges::any_of(excluded_, [&](const net::Prefix& block) { return block.contains(address); });
}

void Dns64::exclude(Response& aaaa) const {
  const auto unwanted = [&](const Record& record) {
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
      if (!pref64_.represents(address)) continue;
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
