// siit: stateless translation (SIIT-1).
#include "realmgw/net/rfc6052.hpp"

#include <algorithm>
#include <numeric>

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

constexpr Choice<Siit::Hairpin> hairpins[] = {
    {"off", Siit::Hairpin::off}, {"simple", Siit::Hairpin::simple}, {"intrinsic", Siit::Hairpin::intrinsic}};
constexpr Choice<Siit::TrafficClass> traffic_classes[] = {{"copy", Siit::TrafficClass::copy},
                                                          {"ignore", Siit::TrafficClass::ignore}};

constexpr Choice<Siit::Untranslatable> untranslatables[] = {{"reject", Siit::Untranslatable::reject},
                                                            {"drop", Siit::Untranslatable::drop}};

constexpr Choice<net::Family> families[] = {{"ipv4", net::Family::v4}, {"ipv6", net::Family::v6}};

constexpr ItemKey<Siit::Map> map_keys[] = {
    {"ipv4", into<&Siit::Map::ipv4, prefix_of<net::Family::v4>>, required},
    {"ipv6", into<&Siit::Map::ipv6, prefix_of<net::Family::v6>>, required},
    {"hosts", into<&Siit::Map::hosts, one_of<families>>},
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
      item.report().note_item(value.path(), item.where());
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

std::span<const Siit::Map> written_maps(const Siit& siit) {
  return std::span{siit.maps}.first(siit.maps.size() - siit.maps_of_file);
}
std::span<const Siit::Map> maps_of_file(const Siit& siit) {
  return std::span{siit.maps}.last(siit.maps_of_file);
}
// By the maps in it, and its name.
Differing differing_file(const Siit& from, const Siit& to) {
  auto maps = by<maps_of_file>(from, to);
  return maps ? maps : by<&Siit::maps_file>(from, to);
}

constexpr Key<Siit> keys[] = {
    key<&Siit::prefix, siit_prefix>("prefix", Change::now),
    key<&Siit::destinations, list_of<prefix_of<net::Family::v4>, max_destinations>>("destinations",
                                                                                    Change::now),
    {"maps", into<&Siit::maps, maps>, Change::now, by<written_maps>},
    {"maps_file", into<&Siit::maps_file, file_name>, Change::now, differing_file},
    key<&Siit::icmp_source, list_of<prefix_of<net::Family::v4>, max_icmp_sources>, Order::counts>(
        "icmp_source", Change::now),
    key<&Siit::hairpin, one_of<hairpins>>("hairpin", Change::now),
    key<&Siit::traffic_class, one_of<traffic_classes>>("traffic_class", Change::now),
    key<&Siit::untranslatable, one_of<untranslatables>>("untranslatable", Change::now),
    key<&Siit::lowest_ipv6_mtu, count<std::uint16_t, 1280, 9216>>("lowest_ipv6_mtu",
                                                                  Change::now),  // RFC 8200 to a port's
};

// RFC 7757 section 5: of prefixes that overlap the longest decides, so one may lie within another. Twice the
// same would have two meanings one way and one the other: replies would come from another address.
class Distinct {
 public:
  Distinct(const std::vector<Siit::Map>& maps, const MapLines& lines, Report& report)
      : maps_{maps}, lines_{lines}, first_of_file_{maps.size() - lines.lines.size()}, report_{report} {}

  [[nodiscard]] bool check() const {
    const bool ipv4 = check(&Siit::Map::ipv4);
    return check(&Siit::Map::ipv6) && ipv4;
  }

 private:
  [[nodiscard]] bool check(net::Prefix Siit::Map::*side) const {
    std::vector<std::uint32_t> order(maps_.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto key = [&](std::uint32_t index) { return std::pair{maps_[index].*side, index}; };
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    bool good = true;
    std::size_t first = 0;  // of those that are the same
    for (std::size_t i = 1; i < order.size(); ++i) {
      const net::Prefix& prefix = maps_[order[i]].*side;
      if (!(prefix == maps_[order[first]].*side)) {
        first = i;
        continue;
      }
      refuse(order[i], prefix.to_string() + " is mapped twice (first in " + place(order[first]) + ")");
      good = false;
    }
    return good;
  }
  [[nodiscard]] std::string place(std::size_t map) const {
    if (map < first_of_file_) return report_.where("siit.maps", map).key;
    return lines_.file + ":" + std::to_string(lines_.lines[map - first_of_file_]);
  }
  void refuse(std::size_t map, std::string message) const {
    if (map < first_of_file_) return report_.problem(report_.where("siit.maps", map), std::move(message));
    report_.problem_in(lines_.file, lines_.lines[map - first_of_file_], "siit.maps_file", std::move(message));
  }

  const std::vector<Siit::Map>& maps_;
  const MapLines& lines_;
  std::size_t first_of_file_;
  Report& report_;
};

bool read_siit(const Value& value, Realm& realm) {
  Siit& siit = realm.siit;
  if (!read_map(value, siit, keys)) return false;
  if (!siit.destinations.empty() && !siit.prefix) {
    auto& report = value.report();
    report.problem(report.where("siit.destinations"), "needs a siit.prefix that stands for them");
  }
  MapLines lines;
  if (siit.maps_file && !read_maps_file(*siit.maps_file, max_maps, siit.maps, lines, value.report()))
    return false;
  siit.maps_of_file = lines.lines.size();
  return Distinct{siit.maps, lines, value.report()}.check();
}

Differing differing_kind(const Realm& from, const Realm& to) {
  if (from.siit.alone == to.siit.alone) return std::nullopt;
  return to.siit.alone ? "now a plain stateless translator" : "no longer a plain stateless translator";
}

}  // namespace

const Section siit_section{{"siit", read_siit, Change::ends_sessions, differing_kind}, [](Tables& tables) {
                             tables.keys("siit.", keys, &Realm::siit);
                             tables.items("siit.maps", map_keys);
                           }};

}  // namespace rgw::config
