#include "realmgw/pool/sfqdn.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rgw::pool {
namespace {

using net::Protocol;
using net::Service;

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// ASCII alone (RFC 4343): the locale has no say in DNS names.
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// The same of `letters` in lower case, and nothing but letters: each is one of the two bytes that become it
/// with 0x20.
constexpr bool same_letters(std::string_view text, std::string_view letters) {
  return std::ranges::equal(text, letters, [](char x, char letter) { return (x | 0x20) == letter; });
}

/// 1..65535 in decimal, digits alone, no leading zero.
std::optional<std::uint16_t> parse_port(std::string_view digits) {
  constexpr std::size_t max_digits = 5;
  if (digits.empty() || digits.size() > max_digits || digits.front() == '0') return std::nullopt;
  std::uint32_t port = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    port = 10 * port + static_cast<std::uint32_t>(digit - '0');
  }
  if (port > UINT16_MAX) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

struct WithPorts {
  std::string_view name;
  Protocol protocol;
};
constexpr std::array protocols_with_ports{
    WithPorts{"tcp", Protocol::tcp},
    WithPorts{"udp", Protocol::udp},
    WithPorts{"sctp", Protocol::sctp},
};

struct WellKnown {
  std::string_view name;
  std::uint16_t port;
};
// IANA Service Name and Transport Protocol Port Number Registry: those that an SRV name plausibly asks a host
// for. The registry gives all of them the same port on every transport, so the transport is not part of the
// key. A table of our own, since getservbyname(3) reads files and may ask the network. In alphabetical order.
constexpr std::array well_known_services{
    WellKnown{"amqp", 5672},
    WellKnown{"amqps", 5671},
    WellKnown{"bgp", 179},
    WellKnown{"caldav", 80},
    WellKnown{"caldavs", 443},
    WellKnown{"carddav", 80},
    WellKnown{"carddavs", 443},
    WellKnown{"coap", 5683},
    WellKnown{"coaps", 5684},
    WellKnown{"domain", 53},
    WellKnown{"domain-s", 853},
    WellKnown{"echo", 7},
    WellKnown{"ftp", 21},
    WellKnown{"ftps", 990},
    WellKnown{"git", 9418},
    WellKnown{"http", 80},
    WellKnown{"http-alt", 8080},
    WellKnown{"https", 443},
    WellKnown{"imap", 143},
    WellKnown{"imaps", 993},
    WellKnown{"ipp", 631},
    WellKnown{"ipps", 631},
    WellKnown{"irc", 194},
    WellKnown{"ircs-u", 6697},
    WellKnown{"kerberos", 88},
    WellKnown{"ldap", 389},
    WellKnown{"ldaps", 636},
    WellKnown{"mqtt", 1883},
    WellKnown{"ms-wbt-server", 3389},
    WellKnown{"mysql", 3306},
    WellKnown{"netconf-ssh", 830},
    WellKnown{"nfs", 2049},
    WellKnown{"ntp", 123},
    WellKnown{"openvpn", 1194},
    WellKnown{"pop3", 110},
    WellKnown{"pop3s", 995},
    WellKnown{"postgresql", 5432},
    WellKnown{"radius", 1812},
    WellKnown{"rfb", 5900},
    WellKnown{"rsync", 873},
    WellKnown{"rtsp", 554},
    WellKnown{"secure-mqtt", 8883},
    WellKnown{"sieve", 4190},
    WellKnown{"sip", 5060},
    WellKnown{"sips", 5061},
    WellKnown{"smtp", 25},
    WellKnown{"snmp", 161},
    WellKnown{"ssh", 22},
    WellKnown{"stun", 3478},
    WellKnown{"stuns", 5349},
    WellKnown{"submission", 587},
    WellKnown{"submissions", 465},
    WellKnown{"svn", 3690},
    WellKnown{"syslog", 514},
    WellKnown{"syslog-tls", 6514},
    WellKnown{"telnet", 23},
    WellKnown{"tftp", 69},
    WellKnown{"turn", 3478},
    WellKnown{"turns", 5349},
    WellKnown{"xmpp-client", 5222},
    WellKnown{"xmpp-server", 5269},
};
static_assert(std::ranges::is_sorted(well_known_services, {}, &WellKnown::name));

std::optional<std::uint16_t> well_known_port(std::string_view name) {
  const auto found = std::ranges::find_if(
      well_known_services, [&](const WellKnown& service) { return equal_ignoring_case(service.name, name); });
  if (found == well_known_services.end()) return std::nullopt;
  return found->port;
}

}  // namespace

std::optional<Service> parse_service_label(std::string_view label) {
  if (same_letters(label, "icmp")) return Service{Protocol::icmp, 0};
  for (const auto& [name, protocol] : protocols_with_ports) {
    if (!same_letters(label.substr(0, name.size()), name)) continue;
    const auto rest = label.substr(name.size());
    if (rest.empty()) return Service{protocol, 0};
    if (const auto port = parse_port(rest)) return Service{protocol, *port};
  }
  return std::nullopt;
}

std::string service_label(const Service& service) {
  if (service.is_any()) return {};
  auto label = net::to_string(service.protocol);
  if (service.port != 0) label += std::to_string(service.port);
  return label;
}

std::optional<Protocol> parse_srv_protocol(std::string_view label) {
  if (!label.starts_with('_')) return std::nullopt;
  for (const auto& [name, protocol] : protocols_with_ports) {
    if (same_letters(label.substr(1), name)) return protocol;
  }
  return std::nullopt;
}

std::optional<Service> parse_srv_labels(std::string_view service, std::string_view protocol) {
  const auto transport = parse_srv_protocol(protocol);
  if (!transport || !service.starts_with('_')) return std::nullopt;
  const auto name = service.substr(1);
  auto port = parse_port(name);
  if (!port) port = well_known_port(name);
  if (!port) return std::nullopt;
  return Service{*transport, *port};
}

}  // namespace rgw::pool
