// outbound: NAT as the operator wants it (OUT-1, OUT-2).
#include <algorithm>

#include "sections.hpp"

namespace rgw::config {
namespace {

using Mapping = Outbound::Mapping;
using Filtering = Outbound::Filtering;
using Unmatched = Outbound::Unmatched;
using UnknownTcp = Outbound::UnknownTcp;

constexpr Choice<Mapping> mappings[] = {{"endpoint-independent", Mapping::endpoint_independent},
                                        {"address-and-port-dependent", Mapping::address_and_port_dependent}};
constexpr Choice<Filtering> filterings[] = {
    {"endpoint-independent", Filtering::endpoint_independent},
    {"address-dependent", Filtering::address_dependent},
    {"address-and-port-dependent", Filtering::address_and_port_dependent}};
constexpr Choice<Unmatched> unmatcheds[] = {
    {"automatic", Unmatched::automatic}, {"reject", Unmatched::reject}, {"drop", Unmatched::drop}};
constexpr Choice<UnknownTcp> unknown_tcps[] = {{"reset", UnknownTcp::reset}, {"drop", UnknownTcp::drop}};

// 0 is off; otherwise no less than the MSS that every IPv4 host takes (RFC 879) and no more than a jumbo
// frame's.
bool mss_clamp(const Value& value, std::uint16_t& out) {
  return parsed(value, out, "0 (off) or a number from 536 to 9176", [](std::string_view text) {
    const auto number = parse_count(text);
    const bool good = number && (*number == 0 || (*number >= 536 && *number <= 9176));
    return good ? std::optional{static_cast<std::uint16_t>(*number)} : std::nullopt;
  });
}

bool port_range(const Value& value, net::PortRange& out) {
  return parsed(value, out, "a range of ports, like 1024-65535", [](std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_number(text.substr(0, dash));
    const auto last = dash == text.npos ? first : parse_number(text.substr(dash + 1));
    const bool good = first && last && *first <= *last && *last <= 65'535;
    return good ? std::optional{net::PortRange{static_cast<std::uint16_t>(*first),
                                               static_cast<std::uint16_t>(*last)}}
                : std::nullopt;
  });
}

constexpr std::uint64_t max_addresses = 1'024;

// Addresses with a range of their ports (RFC 6146 section 3.5.1.1: a pool of transport addresses).
struct RangeDraft {
  std::vector<net::IpAddress> addresses;
  net::PortRange ports;
};

bool range_addresses(const Value& value, RangeDraft& draft) {
  return append_range(value, "outbound.addresses", max_addresses, draft.addresses);
}

constexpr ItemKey<RangeDraft> range_keys[] = {
    {"address", range_addresses, required},
    {"ports", into<&RangeDraft::ports, port_range>},
};

bool external_addresses(const Value& value, Outbound& out) {
  bool good = true;
  bool ranges = false;
  for (const Value& item : value.items()) {
    RangeDraft draft;
    const bool is_map = item.kind() == Node::Kind::map;
    good = (is_map ? read_map(item, draft, range_keys) : range_addresses(item, draft)) && good;
    if (draft.addresses.size() > max_addresses - out.addresses.size())
      return item.problem("more than " + std::to_string(max_addresses) + " addresses in all");
    ranges = ranges || draft.ports != net::PortRange{};
    out.addresses.insert(out.addresses.end(), draft.addresses.begin(), draft.addresses.end());
    out.ports.insert(out.ports.end(), draft.addresses.size(), draft.ports);
  }
  if (!ranges) out.ports.clear();
  return good;
}

std::vector<External> externals(const Outbound& outbound) {
  std::vector<External> externals;
  for (std::size_t i = 0; i < outbound.addresses.size(); ++i)
    externals.push_back(
        {outbound.addresses[i], outbound.ports.empty() ? net::PortRange{} : outbound.ports[i]});
  return externals;
}

constexpr std::size_t max_untranslated = 1024;

// A block is whole pairs of ports, and blocks lie at whole multiples of their size.
bool block_size(const Value& value, std::uint32_t& out) {
  return parsed(value, out, "0 (off) or a power of two from 16 to 8192", [](std::string_view text) {
    const auto number = parse_count(text);
    const bool good =
        number && (*number == 0 || (*number >= 16 && *number <= 8'192 && (*number & (*number - 1)) == 0));
    return good ? std::optional{static_cast<std::uint32_t>(*number)} : std::nullopt;
  });
}

using Blocks = Outbound::PortBlocks;
constexpr Key<Blocks> block_keys[] = {
    key<&Blocks::size, block_size>("size", Change::restart),
    key<&Blocks::per_host, count<std::uint32_t, 1, 4'096>>("per_host", Change::now),
    key<&Blocks::hold, duration<0, 86'400'000>>("hold", Change::now),
};

// The size alone, or a map.
bool port_blocks(const Value& value, Outbound& outbound) {
  if (value.kind() != Node::Kind::map) return block_size(value, outbound.port_blocks.size);
  return read_map(value, outbound.port_blocks, block_keys);
}

constexpr Key<Outbound> outbound_keys[] = {
    {"addresses", external_addresses, Change::ends_sessions, by<externals>},
    key<&Outbound::mapping, one_of<mappings>>("mapping", Change::restart),
    key<&Outbound::filtering, one_of<filterings>>("filtering", Change::restart),
    key<&Outbound::unmatched, one_of<unmatcheds>>("unmatched", Change::now),
    key<&Outbound::unknown_tcp, one_of<unknown_tcps>>("unknown_tcp", Change::now),
    key<&Outbound::hairpin, boolean>("hairpin", Change::now),
    key<&Outbound::inbound_refresh, boolean>("inbound_refresh", Change::now),
    key<&Outbound::max_sessions, count<std::uint32_t, 1'024, 134'217'728>>("max_sessions", Change::restart),
    key<&Outbound::max_sessions_per_host, count<std::uint32_t, 1, 134'217'728>>("max_sessions_per_host",
                                                                                Change::now),
    key<&Outbound::max_ports_per_host, count<std::uint32_t, 0, 65'535>>("max_ports_per_host",
                                                                        Change::restart),
    key<&Outbound::max_new_sessions_per_host, count<std::uint32_t, 0, 1'000'000>>("max_new_sessions_per_host",
                                                                                  Change::now),
    {"port_blocks", port_blocks, std::nullopt, nullptr},
    key<&Outbound::untranslated, list_of<prefix, max_untranslated>>("untranslated", Change::now),
    key<&Outbound::mss_clamp, mss_clamp>("mss_clamp", Change::now),
};

bool read_outbound(const Value& value, Realm& realm) {
  return read_map(value, realm.outbound, outbound_keys);
}

}  // namespace

const Section outbound_section{map_key("outbound", read_outbound), [](Tables& tables) {
                                 tables.keys("outbound.", outbound_keys, &Realm::outbound);
                                 tables.items("outbound.addresses", range_keys);
                                 tables.keys("outbound.port_blocks.", block_keys,
                                             [](const Realm& realm) { return realm.outbound.port_blocks; });
                               }};

}  // namespace rgw::config
