// dns, gateway: what the gateway itself answers.
#include "sections.hpp"

namespace rgw::config {
namespace {

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
