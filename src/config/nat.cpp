// outbound, forward: NAT as the operator wants it (OUT-1, OUT-2).
#include <algorithm>

#include "sections.hpp"

namespace rgw::config {
namespace {

using Mapping = Outbound::Mapping;
using Filtering = Outbound::Filtering;
using Unmatched = Outbound::Unmatched;

constexpr Choice<Mapping> mappings[] = {{"endpoint-independent", Mapping::endpoint_independent},
                                        {"address-and-port-dependent", Mapping::address_and_port_dependent}};
constexpr Choice<Filtering> filterings[] = {
    {"endpoint-independent", Filtering::endpoint_independent},
    {"address-dependent", Filtering::address_dependent},
    {"address-and-port-dependent", Filtering::address_and_port_dependent}};
constexpr Choice<Unmatched> unmatcheds[] = {
    {"automatic", Unmatched::automatic}, {"reject", Unmatched::reject}, {"drop", Unmatched::drop}};

// 0 is off; otherwise no less than the MSS that every IPv4 host takes (RFC 879) and no more than a jumbo
// frame's.
bool mss_clamp(const Value& value, std::uint16_t& out) {
  return parsed(value, out, "0 (off) or a number from 536 to 9176", [](std::string_view text) {
    const auto number = parse_count(text);
    const bool good = number && (*number == 0 || (*number >= 536 && *number <= 9176));
    return good ? std::optional{static_cast<std::uint16_t>(*number)} : std::nullopt;
  });
}

constexpr Key<Outbound> outbound_keys[] = {
    {"addresses", into<&Outbound::addresses, address_ranges<1'024>>},
    {"mapping", into<&Outbound::mapping, one_of<mappings>>},
    {"filtering", into<&Outbound::filtering, one_of<filterings>>},
    {"unmatched", into<&Outbound::unmatched, one_of<unmatcheds>>},
    {"hairpin", into<&Outbound::hairpin, boolean>},
    {"max_sessions", into<&Outbound::max_sessions, count<std::uint32_t, 1'024, 134'217'728>>},
    {"max_sessions_per_host", into<&Outbound::max_sessions_per_host, count<std::uint32_t, 1, 134'217'728>>},
    {"mss_clamp", into<&Outbound::mss_clamp, mss_clamp>},
};

bool read_outbound(const Value& value, Realm& realm) {
  return read_map(value, realm.outbound, outbound_keys);
}

constexpr Choice<net::Protocol> protocols[] = {
    {"tcp", net::Protocol::tcp}, {"udp", net::Protocol::udp}, {"sctp", net::Protocol::sctp}};

bool protocol(const Value& value, net::Protocol& out) {
  return one_of<protocols>(value, out);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number < 1 || *number > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::optional<net::Endpoint> parse_endpoint(std::string_view text) {
  const auto endpoint = net::Endpoint::parse(text);
  return endpoint && endpoint->port != 0 && is_unicast(endpoint->address) ? endpoint : std::nullopt;
}

// A port alone leaves the address unspecified: `fill_defaults` makes a mapping for each external address of
// it.
bool outside_endpoint(const Value& value, net::Endpoint& out) {
  constexpr auto what = "a port, or an address and a port like \"198.51.100.1:22\" or \"[2001:db8::1]:22\"";
  return parsed(value, out, what, [](std::string_view text) {
    if (const auto port = parse_port(text)) return std::optional{net::Endpoint{{}, *port}};
    return parse_endpoint(text);
  });
}

// An address alone leaves the port 0: it is then the outside one.
bool inside_endpoint(const Value& value, net::Endpoint& out) {
  constexpr auto what = "an address, or an address and a port like \"10.0.0.42:22\" or \"[fd00:10::42]:22\"";
  return parsed(value, out, what, [](std::string_view text) {
    if (const auto alone = net::IpAddress::parse(text); alone && is_unicast(*alone)) {
      return std::optional{net::Endpoint{*alone, 0}};
    }
    return parse_endpoint(text);
  });
}

struct ForwardDraft {
  std::vector<net::Protocol> protocols{net::Protocol::tcp};
  net::Endpoint outside, inside;
};

constexpr Key<ForwardDraft> forward_keys[] = {
    {"proto", into<&ForwardDraft::protocols, list_of<protocol>>},
    {"outside", into<&ForwardDraft::outside, outside_endpoint>, true},
    {"inside", into<&ForwardDraft::inside, inside_endpoint>, true},
};

bool read_forward(const Value& value, Realm& realm) {
  constexpr std::size_t max_mappings = 16'384;
  bool good = true;
  for (const Value& item : value.items()) {
    ForwardDraft draft;
    if (!read_map(item, draft, forward_keys) || !item.report().clean(item.path())) {
      good = false;
      continue;
    }
    if (draft.inside.port == 0) draft.inside.port = draft.outside.port;
    for (const net::Protocol protocol : draft.protocols) {
      if (realm.static_mappings.size() == max_mappings) {
        return item.problem("more than " + std::to_string(max_mappings) + " mappings");
      }
      realm.static_mappings.push_back({protocol, draft.outside, draft.inside});
      item.report().note_item(value.path(), item.where());
    }
  }
  return good;
}

}  // namespace

const Section outbound_section{"outbound", false, read_outbound, [](std::vector<std::string>& names) {
                                 name_keys(names, "outbound.", outbound_keys);
                               }};
const Section forward_section{"forward", false, read_forward, [](std::vector<std::string>& names) {
                                name_keys(names, "forward[].", forward_keys);
                              }};

}  // namespace rgw::config
