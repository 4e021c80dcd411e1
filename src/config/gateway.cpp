// dns, gateway: what the gateway itself answers.
#include "sections.hpp"

namespace rgw::config {
namespace {

// An address alone means the usual port. A resolver on the gateway's own loopback is as good as another.
bool upstream(const Value& value, net::Endpoint& out) {
  constexpr auto what =
      "an address, or an address and a port like \"192.0.2.53:5353\" or \"[2001:db8::1]:53\"";
  return parsed(value, out, what, [](const std::string& text) -> std::optional<net::Endpoint> {
    auto endpoint = net::Endpoint::parse(text);
    if (const auto alone = net::IpAddress::parse(text)) endpoint = net::Endpoint{*alone, dns_port};
    if (!endpoint || endpoint->port == 0) return std::nullopt;
    if (!is_unicast(endpoint->address) && !endpoint->address.is_loopback()) return std::nullopt;
    return endpoint;
  });
}

bool ipv6_prefix(const Value& value, net::Prefix& out) {
  return parsed(value, out, "an IPv6 prefix", [](std::string_view text) -> std::optional<net::Prefix> {
    const auto read = net::Prefix::parse(text);
    return read && read->family() == net::Family::v6 ? read : std::nullopt;
  });
}

constexpr Key<Dns> dns_keys[] = {
    {"listen", into<&Dns::listen, list_of<address, 1'024>>},
    {"nsid",
     [](const Value& value, Dns& dns) {
       return parsed(value, dns.nsid.emplace(), "a text of 1 to 64 bytes", [](const std::string& text) {
         return !text.empty() && text.size() <= 64 ? std::optional{text} : std::nullopt;
       });
     }},
    {"proxy", into<&Dns::proxy, list_of<address, 1'024>>},
    {"proxy_ttl", into<&Dns::proxy_ttl, ttl>},
    {"upstreams", into<&Dns::upstreams, list_of<upstream, 16>>},
    {"cache", into<&Dns::cache, count<std::uint32_t, 0, 16'777'216>>},
    {"dns64", into<&Dns::dns64, boolean>},
    {"dns64_exclude", into<&Dns::dns64_exclude, list_of<ipv6_prefix, 64>>},
    {"ces", into<&Dns::ces, boolean>},
};

bool read_dns(const Value& value, Realm& realm) {
  return read_map(value, realm.dns, dns_keys);
}

bool local_service(const Value& value, net::Service& out) {
  return parsed(value, out, "a service of the gateway: tcp22, udp53, icmp", [](std::string_view text) {
    auto service = parse_service(text);
    if (service && service->port == 0 && service->protocol != net::Protocol::icmp) service.reset();
    return service;
  });
}

constexpr Key<Realm> gateway_keys[] = {{"services", into<&Realm::local_services, list_of<local_service>>}};

bool read_gateway(const Value& value, Realm& realm) {
  return read_map(value, realm, gateway_keys);
}

}  // namespace

const Section dns_section{"dns", false, read_dns,
                          [](std::vector<std::string>& names) { name_keys(names, "dns.", dns_keys); }};
const Section gateway_section{"gateway", false, read_gateway, [](std::vector<std::string>& names) {
                                name_keys(names, "gateway.", gateway_keys);
                              }};

}  // namespace rgw::config
