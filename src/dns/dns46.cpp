#include "realmgw/dns/dns46.hpp"

#include "realmgw/dns/reverse.hpp"
#include "realmgw/net/special_addresses.hpp"

#include <algorithm>

namespace rgw::dns {

bool Dns46::translates(const net::Ipv6Address& address) {
  return net::is_forwardable(address);
}

std::optional<Response> Dns46::synthesise(const Response& a, const Response& aaaa, Instant now,
                                          bool& exhausted) {
  const Record* soa = a.soa();
  const std::uint32_t bound = std::min(max_ttl, soa == nullptr ? max_ttl : soa->ttl);
  Response response;
  response.synthesised = true;
  unsigned addresses = 0;
  exhausted = false;
  for (const auto& record : aaaa.records) {
    if (record.section != Section::answer || record.type == RrType::rrsig) continue;
    if (record.type != RrType::aaaa) {
      response.records.push_back(record);
      continue;
    }
    const auto remote = address_in(record).v6();
    if (!translates(remote) || addresses == max_addresses) continue;
    const std::uint32_t ttl = std::min(record.ttl, bound);
    const auto proxy = binder_.bind(remote, now, now + std::chrono::seconds{ttl} + grace);
    if (!proxy) {
      exhausted = true;
      break;
    }
    response.records.push_back(address_record(record.owner, ttl, *proxy));
    ++addresses;
  }
  if (addresses == 0) return std::nullopt;
  exhausted = false;
  return response;
}

std::optional<net::IpAddress> Dns46::reverse(const Name& name) const {
  const auto address = address_of_reverse(name);
  if (!address || !address->is_v4()) return std::nullopt;
  const auto remote = binder_.remote_of(address->v4());
  return remote ? std::optional<net::IpAddress>{*remote} : std::nullopt;
}

}  // namespace rgw::dns
