// pcp: mappings that hosts ask for (RFC 6887).
#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr std::int64_t second = 1'000, day = 86'400'000;

bool lifetime(const Value& value, milliseconds& out) {
  if (!duration<second, 30 * day>(value, out)) return false;
  return out.count() % second == 0 || value.problem("a lifetime is of whole seconds");
}

constexpr Key<Pcp> keys[] = {
    {"min_lifetime", into<&Pcp::min_lifetime, lifetime>},
    {"max_lifetime", into<&Pcp::max_lifetime, lifetime>},
    {"max_mappings", into<&Pcp::max_mappings, count<std::uint32_t, 1, 1'048'576>>},
    {"max_mappings_per_host", into<&Pcp::max_mappings_per_host, count<std::uint32_t, 1, 65'535>>},
    {"low_ports", into<&Pcp::low_ports, boolean>},
};

// true, false, or how, which means true.
bool read_pcp(const Value& value, Realm& realm) {
  if (value.kind() != Node::Kind::map) return boolean(value, realm.pcp.on);
  realm.pcp.on = true;
  return read_map(value, realm.pcp, keys);
}

}  // namespace

const Section pcp_section{"pcp", false, read_pcp,
                          [](std::vector<std::string>& names) { name_keys(names, "pcp.", keys); }};

}  // namespace rgw::config
