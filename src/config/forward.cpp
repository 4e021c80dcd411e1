// forward, and nat64.static: mappings that stand in the realm file (OUT-2, X64-1).
#include "forward.hpp"

namespace rgw::config {
namespace {

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

template <net::Family F>
bool endpoint_of(const Value& value, net::Endpoint& out) {
  constexpr auto what = F == net::Family::v4 ? "an IPv4 address and a port, like \"198.51.100.1:2000\""
                                             : "an IPv6 address and a port, like \"[fd00:10::5]:2000\"";
  return parsed(value, out, what, [](std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint && endpoint->address.family() == F ? endpoint : std::nullopt;
  });
}

struct ForwardDraft {
  std::vector<net::Protocol> protocols{net::Protocol::tcp};
  net::Endpoint outside, inside;
};

constexpr ItemKey<ForwardDraft> forward_keys[] = {
    {"proto", into<&ForwardDraft::protocols, list_of<protocol>>},
    {"outside", into<&ForwardDraft::outside, outside_endpoint>, required},
    {"inside", into<&ForwardDraft::inside, inside_endpoint>, required},
};

constexpr ItemKey<ForwardDraft> static_keys[] = {
    {"proto", into<&ForwardDraft::protocols, list_of<protocol>>},
    {"outside", into<&ForwardDraft::outside, endpoint_of<net::Family::v4>>, required},
    {"inside", into<&ForwardDraft::inside, endpoint_of<net::Family::v6>>, required},
};

template <std::size_t N>
bool read_mappings(const Value& value, const ItemKey<ForwardDraft> (&keys)[N],
                   std::vector<StaticMapping>& mappings) {
  constexpr std::size_t max_mappings = 16'384;
  bool good = true;
  for (const Value& item : value.items()) {
    ForwardDraft draft;
    if (!read_map(item, draft, keys) || !item.report().clean(item.path())) {
      good = false;
      continue;
    }
    if (draft.inside.port == 0) draft.inside.port = draft.outside.port;
    for (const net::Protocol protocol : draft.protocols) {
      if (mappings.size() == max_mappings) {
        return item.problem("more than " + std::to_string(max_mappings) + " mappings");
      }
      mappings.push_back({protocol, draft.outside, draft.inside, false});
      item.report().note_item(mapping_places, item.where());
    }
  }
  return good;
}

bool read_forward(const Value& value, Realm& realm) {
  return read_mappings(value, forward_keys, realm.static_mappings);
}

std::vector<StaticMapping> mappings_of(const Realm& realm, bool static_bib) {
  std::vector<StaticMapping> mappings;
  for (const StaticMapping& mapping : realm.static_mappings)
    if (mapping.static_bib == static_bib) mappings.push_back(mapping);
  return mappings;
}

std::vector<StaticMapping> forwards(const Realm& realm) {
  return mappings_of(realm, false);
}

}  // namespace

bool read_static_bib(const Value& value, std::vector<StaticMapping>& mappings) {
  const bool good = read_mappings(value, static_keys, mappings);
  for (StaticMapping& mapping : mappings) mapping.static_bib = true;
  return good;
}

std::vector<StaticMapping> static_bib(const Realm& realm) {
  return mappings_of(realm, true);
}

void show_static_bib(Tables& tables, const std::string& list) {
  tables.items(list, static_keys);
}

const Section forward_section{{"forward", read_forward, Change::ends_sessions, by<forwards>},
                              [](Tables& tables) { tables.items("forward", forward_keys); }};

}  // namespace rgw::config
