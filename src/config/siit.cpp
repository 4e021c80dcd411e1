// siit: stateless translation (SIIT-1).
#include "realmgw/net/rfc6052.hpp"

#include "maps_file.hpp"
#include "sections.hpp"

namespace rgw::config {
namespace {

constexpr std::size_t max_maps = 1'048'576;

bool siit_prefix(const Value& value, std::optional<net::Prefix>& out) {
  constexpr auto what = "an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits whose bits 64 to 71 are zero";
  return parsed(value, out, what, [](std::string_view text) -> std::optional<net::Prefix> {
    const auto prefix = net::Prefix::parse(text);
    const bool good = prefix && prefix->address().is_v6() && net::Pref64::is_length(prefix->length()) &&
                      net::is_forwardable(prefix->address()) && prefix->address().v6().bytes[8] == 0;
    return good ? prefix : std::nullopt;
  });
}

template <net::Family F>
bool prefix_of(const Value& value, net::Prefix& out) {
  constexpr auto what = F == net::Family::v4 ? "an IPv4 address or prefix" : "an IPv6 address or prefix";
  return parsed(value, out, what, [](std::string_view text) -> std::optional<net::Prefix> {
    const auto prefix = net::Prefix::parse(text);
    return prefix && prefix->family() == F ? prefix : std::nullopt;
  });
}

constexpr std::size_t max_icmp_sources = 16, max_destinations = 1024;

constexpr Choice<Siit::Hairpin> hairpins[] = {{"off", Siit::Hairpin::off},
                                              {"simple", Siit::Hairpin::simple},
                                              {"intrinsic", Siit::Hairpin::intrinsic}};
constexpr Choice<Siit::TrafficClass> traffic_classes[] = {{"copy", Siit::TrafficClass::copy},
                                                          {"ignore", Siit::TrafficClass::ignore}};

constexpr Choice<Siit::Untranslatable> untranslatables[] = {{"reject", Siit::Untranslatable::reject},
                                                            {"drop", Siit::Untranslatable::drop}};

constexpr Key<Siit::Map> map_keys[] = {
    {"ipv4", into<&Siit::Map::ipv4, prefix_of<net::Family::v4>>, true},
    {"ipv6", into<&Siit::Map::ipv6, prefix_of<net::Family::v6>>, true},
};

bool maps(const Value& value, std::vector<Siit::Map>& out) {
  bool good = true;
  for (const Value& item : value.items()) {
    Siit::Map map;
    if (!read_map(item, map, map_keys) || !item.report().clean(item.path())) {
      good = false;
    } else if (out.size() == max_maps) {
      return item.problem("more than " + std::to_string(max_maps) + " maps");
    } else if (32 - map.ipv4.length() > 128 - map.ipv6.length()) {
      // RFC 7757 section 3.2.
      good = item.problem(map.ipv6.to_string() + " has fewer suffix bits than " + map.ipv4.to_string());
    } else {
      out.push_back(map);
    }
  }
  return good;
}

bool file_name(const Value& value, std::optional<std::string>& out) {
  const std::string* text = value.scalar("the name of a file");
  if (text == nullptr) return false;
  if (text->empty()) return value.problem("expected the name of a file");
  out = *text;
  return true;
}

constexpr Key<Siit> keys[] = {
    {"prefix", into<&Siit::prefix, siit_prefix>},
    {"destinations", into<&Siit::destinations, list_of<prefix_of<net::Family::v4>, max_destinations>>},
    {"maps", into<&Siit::maps, maps>},
    {"maps_file", into<&Siit::maps_file, file_name>},
    {"icmp_source", into<&Siit::icmp_source, list_of<prefix_of<net::Family::v4>, max_icmp_sources>>},
    {"hairpin", into<&Siit::hairpin, one_of<hairpins>>},
    {"traffic_class", into<&Siit::traffic_class, one_of<traffic_classes>>},
    {"untranslatable", into<&Siit::untranslatable, one_of<untranslatables>>},
    {"lowest_ipv6_mtu", into<&Siit::lowest_ipv6_mtu, count<std::uint16_t, 1280, 9216>>},  // RFC 8200 to a port's
};

bool read_siit(const Value& value, Realm& realm) {
  if (!read_map(value, realm.siit, keys)) return false;
  if (!realm.siit.destinations.empty() && !realm.siit.prefix) {
    auto& report = value.report();
    report.problem(report.where("siit.destinations"), "needs a siit.prefix that stands for them");
  }
  return !realm.siit.maps_file || read_maps_file(*realm.siit.maps_file, max_maps, realm.siit.maps, value.report());
}

}  // namespace

const Section siit_section{"siit", false, read_siit, [](std::vector<std::string>& names) {
                             name_keys(names, "siit.", keys);
                             name_keys(names, "siit.maps[].", map_keys);
                           }};

}  // namespace rgw::config
