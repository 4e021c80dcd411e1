// dns, gateway: what the gateway itself answers.
#include "dns_keys.hpp"
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

// Where everybody were a relay, everybody could say that somebody else asks.
bool relay(const Value& value, net::Prefix& out) {
  if (!prefix(value, out)) return false;
  return out.length() > 0 || value.problem("everybody would be a trusted relay");
}

std::chrono::milliseconds proxy_ttl(const Dns& dns) {
  return std::chrono::seconds{dns.proxy_ttl};
}

std::chrono::milliseconds stale_time(const Dns& dns) {
  return std::chrono::seconds{dns.serve_stale};
}

constexpr Key<Dns> dns_keys[] = {
    key<&Dns::listen, list_of<address, 1'024>>("listen", Change::restart),
    {"nsid",
     [](const Value& value, Dns& dns) {
       return parsed(value, dns.nsid.emplace(), "a text of 1 to 64 bytes", [](const std::string& text) {
         return !text.empty() && text.size() <= 64 ? std::optional{text} : std::nullopt;
       });
     },
     Change::now, by<&Dns::nsid>},
    key<&Dns::proxy, list_of<address, 1'024>>("proxy", Change::now),
    {"proxy_ttl", into<&Dns::proxy_ttl, ttl>, Change::now, by<proxy_ttl>},
    key<&Dns::trusted, list_of<relay, 64>>("trusted", Change::now),
    key<&Dns::upstreams, list_of<upstream, 16>, Order::counts>("upstreams", Change::now),
    key<&Dns::cache, count<std::uint32_t, 0, 16'777'216>>("cache", Change::restart),
    key<&Dns::dns64, boolean>("dns64", Change::now),
    key<&Dns::dns64_exclude, list_of<ipv6_prefix, 64>>("dns64_exclude", Change::now),
    key<&Dns::ces, boolean>("ces", Change::now),
    {"serve_stale", into<&Dns::serve_stale, ttl>, Change::now, by<stale_time>},
    key<&Dns::secondaries, list_of<address, 64>>("secondaries", Change::now),
    {"keys", into<&Dns::keys, read_dns_keys>, Change::now, nullptr},
    key<&Dns::updates, read_update_rights>("updates", Change::now),
    key<&Dns::dynamic_hosts, count<std::uint32_t, 1, 1'048'576>>("dynamic_hosts", Change::now),
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

constexpr Key<Realm> gateway_keys[] = {
    key<&Realm::local_services, list_of<local_service>>("services", Change::now)};

bool read_gateway(const Value& value, Realm& realm) {
  return read_map(value, realm, gateway_keys);
}

}  // namespace

const Section dns_section{map_key("dns", read_dns), [](Tables& tables) {
                            tables.keys("dns.", dns_keys, &Realm::dns);
                            show_dns_keys(tables);
                          }};
const Section gateway_section{map_key("gateway", read_gateway),
                              [](Tables& tables) { tables.keys("gateway.", gateway_keys, std::identity{}); }};

}  // namespace rgw::config
