// nat64, nat46: the address blocks by which the families appear in each other.
#include "realmgw/net/rfc6052.hpp"

#include "forward.hpp"
#include "sections.hpp"
#include "validate.hpp"

namespace rgw::config {
namespace {

/// X64-2: a ULA. Short, since people read and type it; whoever joins realms writes one of his own.
constexpr std::string_view default_prefix = "fd64::/96";

bool nat64_prefix(const Value& value, std::optional<net::Prefix>& out) {
  constexpr auto what =
      "an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits whose bits 64 to 71 are zero, or default";
  return parsed(value, out, what, [](const std::string& text) -> std::optional<net::Prefix> {
    const auto prefix = net::Prefix::parse(text == "default" ? default_prefix : text);
    if (!prefix || !prefix->address().is_v6() || !net::Pref64::is_length(prefix->length()) ||
        !net::is_forwardable(prefix->address()) || prefix->address().v6().bytes[8] != 0)
      return std::nullopt;
    return prefix;
  });
}

bool proxies(const Value& value, std::optional<net::Prefix>& out) {
  constexpr auto what = "an IPv4 prefix of 8 to 24 bits, like 100.64.0.0/16";
  return parsed(value, out, what, [](const std::string& text) -> std::optional<net::Prefix> {
    const auto prefix = net::Prefix::parse(text);
    if (!prefix || !prefix->address().is_v4() || prefix->length() < 8 || prefix->length() > 24 ||
        !net::is_forwardable(prefix->address()))
      return std::nullopt;
    return prefix;
  });
}

struct Nat64Draft {
  Nat64 nat64;
  std::vector<StaticMapping> mappings;
};

bool draft_prefix(const Value& value, Nat64Draft& draft) {
  return nat64_prefix(value, draft.nat64.prefix);
}

std::optional<net::Prefix> prefix_of(const Realm& realm) {
  return realm.nat64.prefix;
}

// Tables are sized by whether there is a prefix.
Differing differing_use(const Realm& from, const Realm& to) {
  const bool is_used = to.nat64.prefix.has_value();
  if (from.nat64.prefix.has_value() == is_used) return std::nullopt;
  return is_used ? "now used" : "no longer used";
}

constexpr Key<Nat64Draft, Realm> nat64_keys[] = {
    {"prefix", draft_prefix, Change::ends_sessions, by<prefix_of>},
    {"static", into<&Nat64Draft::mappings, read_static_bib>, Change::ends_sessions, by<static_bib>}};
constexpr Key<Nat46> nat46_keys[] = {key<&Nat46::proxies, proxies>("proxies", Change::restart)};

// RFC 6296 section 4.1: any unicast prefix.
bool npt_prefix(const Value& value, net::Prefix& out) {
  constexpr auto what = "an IPv6 prefix of at most 64 bits, like fd00:10::/48";
  return parsed(value, out, what, [](std::string_view text) -> std::optional<net::Prefix> {
    const auto prefix = net::Prefix::parse(text);
    const bool good = prefix && prefix->family() == net::Family::v6 && prefix->length() > 0 &&
                      prefix->length() <= 64 && net::is_forwardable(prefix->address());
    return good ? prefix : std::nullopt;
  });
}

constexpr ItemKey<Nat66::Npt> npt_keys[] = {
    {"inside", into<&Nat66::Npt::inside, npt_prefix>, required},
    {"outside", into<&Nat66::Npt::outside, npt_prefix>, required},
};

bool npt_pair(const Value& value, Nat66::Npt& out) {
  return read_map(value, out, npt_keys);
}

constexpr std::size_t max_npt = 1'024;
constexpr Key<Nat66> nat66_keys[] = {key<&Nat66::npt, list_of<npt_pair, max_npt>>("npt", Change::now)};

bool read_nat66(const Value& value, Realm& realm) {
  return read_map(value, realm.nat66, nat66_keys);
}
bool read_nat64(const Value& value, Realm& realm) {
  Nat64Draft draft;
  const bool good = read_map(value, draft, nat64_keys);
  realm.nat64 = std::move(draft.nat64);
  realm.static_mappings.insert(realm.static_mappings.end(), draft.mappings.begin(), draft.mappings.end());
  return good;
}
bool read_nat46(const Value& value, Realm& realm) {
  return read_map(value, realm.nat46, nat46_keys);
}

}  // namespace

const Section nat64_section{{"nat64", read_nat64, Change::restart, differing_use}, [](Tables& tables) {
                              tables.keys("nat64.", nat64_keys, std::identity{});
                              show_static_bib(tables, "nat64.static");
                            }};
const Section nat46_section{map_key("nat46", read_nat46),
                            [](Tables& tables) { tables.keys("nat46.", nat46_keys, &Realm::nat46); }};

const Section nat66_section{map_key("nat66", read_nat66), [](Tables& tables) {
                              tables.keys("nat66.", nat66_keys, &Realm::nat66);
                              tables.items("nat66.npt", npt_keys);
                            }};

namespace {

// Each prefix has one meaning, and lies on the side that it is of.
void validate_npt(const Realm& realm, const Topology& topology, Report& report) {
  const auto& pairs = realm.nat66.npt;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Where where = report.where("nat66.npt", i);
    const auto clash = [&](const net::Prefix& prefix, const char* key, const net::Prefix& other,
                           const std::string& what) {
      if (prefix.overlaps(other))
        report.problem(report.where(where.key + "." + key), prefix.to_string() + " overlaps " + what);
    };
    const net::Prefix& inside = pairs[i].inside;
    const net::Prefix& outside = pairs[i].outside;
    for (std::size_t j = 0; j < i; ++j) {
      const std::string earlier = report.where("nat66.npt", j).key;
      clash(inside, "inside", pairs[j].inside, earlier + ".inside");
      clash(outside, "outside", pairs[j].outside, earlier + ".outside");
    }
    for (std::size_t j = 0; j < pairs.size(); ++j)
      clash(outside, "outside", pairs[j].inside, report.where("nat66.npt", j).key + ".inside");
    if (realm.nat64.prefix) clash(outside, "outside", *realm.nat64.prefix, "nat64.prefix");
    if (realm.siit.prefix) clash(outside, "outside", *realm.siit.prefix, "siit.prefix");
    for (const Link& link : topology.links()) {
      const bool is_inside = link.port->side == Side::inside;
      clash(is_inside ? outside : inside, is_inside ? "outside" : "inside", link.prefix,
            "the link " + link.prefix.to_string() + " of " + name_of(*link.port));
    }
  }
}

}  // namespace

void validate_families(const Realm& realm, const Topology& topology, Report& report) {
  const auto apart = [&](const std::optional<net::Prefix>& block, const char* key) {
    if (!block) return;
    for (const Link& link : topology.links()) {
      if (block->overlaps(link.prefix))
        report.problem(report.where(key),
                       "overlaps the link " + link.prefix.to_string() + " of " + name_of(*link.port));
    }
  };
  apart(realm.nat64.prefix, "nat64.prefix");
  apart(realm.nat46.proxies, "nat46.proxies");
  validate_npt(realm, topology, report);
  if (realm.dns.dns64 && !realm.nat64.prefix && report.clean("nat64"))
    report.problem(report.where("dns.dns64"), "needs a nat64.prefix to make addresses of");
  for (std::size_t i = 0; i < realm.dns.upstreams.size(); ++i) {
    // Asking itself would be a loop.
    if (topology.own(realm.dns.upstreams[i].address) != nullptr && realm.dns.upstreams[i].port == dns_port)
      report.problem(report.where("dns.upstreams", i),
                     realm.dns.upstreams[i].address.to_string() + " is the gateway itself");
  }
}

}  // namespace rgw::config
