// outbound: NAT as the operator wants it (OUT-1, OUT-2).
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

}  // namespace

const Section outbound_section{"outbound", false, read_outbound, [](std::vector<std::string>& names) {
                                 name_keys(names, "outbound.", outbound_keys);
                               }};

}  // namespace rgw::config
