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
    key<&Pcp::min_lifetime, lifetime>("min_lifetime", Change::now),
    key<&Pcp::max_lifetime, lifetime>("max_lifetime", Change::now),
    key<&Pcp::max_mappings, count<std::uint32_t, 1, 1'048'576>>("max_mappings", Change::restart),
    key<&Pcp::max_mappings_per_host, count<std::uint32_t, 1, 65'535>>("max_mappings_per_host", Change::now),
    key<&Pcp::low_ports, boolean>("low_ports", Change::now),
};

// true, false, or how, which means true.
bool read_pcp(const Value& value, Realm& realm) {
  if (value.kind() != Node::Kind::map) return boolean(value, realm.pcp.on);
  realm.pcp.on = true;
  return read_map(value, realm.pcp, keys);
}

bool is_on(const Realm& realm) {
  return realm.pcp.on;
}

}  // namespace

const Section pcp_section{{"pcp", read_pcp, Change::restart, by<is_on>},
                          [](Tables& tables) { tables.keys("pcp.", keys, &Realm::pcp); }};

}  // namespace rgw::config
