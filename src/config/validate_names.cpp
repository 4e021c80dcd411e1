// Hosts, zones and the names in them.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "validate.hpp"

namespace rgw::config {
namespace {

constexpr std::size_t max_name = 253;  // RFC 1035 section 2.3.4, in characters

// The labels that the gateway itself puts before a host's name: "sctp65535." is the longest (POOL-2).
constexpr std::size_t longest_service = 11;

bool is_below(std::string_view name, std::string_view zone) {
  return name == zone ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

class HostCheck {
 public:
  HostCheck(const Realm& realm, const Topology& topology, Report& report)
      : realm_{realm}, topology_{topology}, report_{report} {}

  void run() {
    for (std::size_t i = 0; i < realm_.hosts.size(); ++i) {
      const Host& host = realm_.hosts[i];
      const Where where = report_.where("hosts", i);
      if (!host.name.empty()) check_name(host.name, where);
      if (host.addresses.empty() && report_.clean(where.key)) report_.problem(where, "has no address");
      for (std::size_t a = 0; a < host.addresses.size(); ++a) {
        check_address(host, a, report_.where(where.key + ".addresses", a), where.key);
      }
    }
    check_web();
    if (!realm_.hosts.empty() && realm_.pool.addresses.empty() && report_.clean("pool")) {
      report_.warning(report_.where("hosts"),
                      "without pool.addresses nobody outside can reach a host by its name");
    }
  }

 private:
  // The first host says it for all.
  void check_web() {
    if (realm_.www.proxy == Www::Proxy::nginx) return check_nginx();
    if (report_.written("dns.proxy")) return;
    const auto first =
        std::find_if(realm_.hosts.begin(), realm_.hosts.end(), [](const Host& host) { return host.www; });
    if (first == realm_.hosts.end()) return;
    const Where host = report_.where("hosts", static_cast<std::size_t>(first - realm_.hosts.begin()));
    report_.warning(report_.where(host.key + ".www"),
                    "www." + first->name +
                        " is answered with the gateway's own address, and nothing serves web pages "
                        "there: write www: { proxy: nginx }, or run a proxy and name it in dns.proxy");
  }

  // nginx of the gateway serves ports 80 and 443 of the addresses that the web names answer (WEB-1).
  void check_nginx() {
    if (realm_.dns.proxy.empty() && topology_.complete()) {
      report_.problem(report_.where("www.proxy"), "no outside port has a service address for it");
    }
    for (std::size_t i = 0; i < realm_.dns.proxy.size(); ++i) {
      const net::IpAddress& address = realm_.dns.proxy[i];
      if (topology_.complete() && topology_.own(address) == nullptr) {
        report_.problem(report_.where("dns.proxy", i),
                        address.to_string() +
                            " is no service address of the gateway, so its nginx cannot listen there "
                            "(www.proxy)");
      } else if (is_shared(address)) {
        for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}}) check_port(address, port);
      }
    }
  }

  void check_port(const net::IpAddress& address, std::uint16_t port) {
    const net::Service service{net::Protocol::tcp, port};
    const auto serves = [&](const net::Service& local) { return local.overlaps(service); };
    if (std::ranges::any_of(realm_.local_services, serves) || !report_.clean("gateway.services")) return;
    report_.problem(report_.where("gateway.services"),
                    "lacks " + to_string(service) + ": " + address.to_string() +
                        " is shared with NAT or the pool, and nginx serves that port there (www.proxy)");
  }

  [[nodiscard]] bool is_shared(const net::IpAddress& address) const {
    const auto holds = [&](const std::vector<net::IpAddress>& addresses) {
      return std::ranges::find(addresses, address) != addresses.end();
    };
    return holds(realm_.outbound.addresses) || holds(realm_.pool.addresses);
  }

  void check_name(const std::string& name, const Where& where) {
    const auto [first, fresh] = names_.try_emplace(name, where.key);
    if (!fresh) report_.problem(where, "names are the same in any case of letters as " + first->second);
    if (realm_.name.empty()) return;
    const std::string full = name + "." + realm_.name;
    if (full.size() + longest_service > max_name) {
      report_.problem(where, "with the realm's name and a service before it the name is too long for DNS");
    }
    for (const Zone& zone : realm_.zones) {
      if (&zone != realm_.zones.data() && zone.name.size() > realm_.name.size() &&
          is_below(full, zone.name)) {
        report_.problem(where, full + " lies in another zone (zones." + zone.name + ")");
      }
    }
    const auto& servers =
        realm_.zones.empty() ? std::vector<std::string>{} : realm_.zones.front().nameservers;
    if (std::find(servers.begin(), servers.end(), full) != servers.end()) {
      report_.problem(where, full + " is the name server of the realm's zone");
    }
  }

  void check_address(const Host& host, std::size_t index, const Where& where, const std::string& owner) {
    const net::IpAddress& address = host.addresses[index];
    const std::string text = address.to_string();
    for (std::size_t i = 0; i < index; ++i) {
      if (host.addresses[i].family() == address.family()) {
        report_.problem(where,
                        "a second " + std::string{net::name(address.family())} + " address of the host");
        return;
      }
    }
    const auto [first, fresh] = addresses_.try_emplace(address, owner);
    const Link* link = topology_.link_of(address);
    if (!fresh) {
      report_.problem(where, text + " is also the address of " + first->second);
    } else if (const Link* own = topology_.own(address)) {
      report_.problem(where, text + " is the gateway itself (" + own->where.key + ")");
    } else if (link && link->port->side == Side::inside) {
      if (const auto reserved = reserved_on(link->prefix, address))
        report_.problem(where, text + " is " + *reserved);
    } else if (topology_.complete() && topology_.side_of(address) != Side::inside) {
      report_.problem(where, text + " is neither on an inside port's link nor routed through one");
    }
  }

  const Realm& realm_;
  const Topology& topology_;
  Report& report_;
  std::unordered_map<std::string, std::string> names_;
  std::unordered_map<net::IpAddress, std::string> addresses_;
};

// The host that a name of the realm's zone belongs to: "tcp22.hosta", "www.hosta" and "hosta" to hosta.
std::string_view host_part(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return name;
  const auto first = name.substr(0, dot);
  return first == "www" || parse_service(first) ? name.substr(dot + 1) : name;
}

// What the zone itself forbids is said by the room that serves it (Judge).
void check_records(const Realm& realm, const Zone& zone, const std::string& key, Report& report) {
  const bool own_zone = &zone == realm.zones.data();
  std::unordered_map<std::string_view, std::string_view> hosts;
  if (own_zone) {
    for (const Host& host : realm.hosts) hosts.emplace(host.name, host.name);
  }
  for (std::size_t i = 0; i < zone.records.size(); ++i) {
    const Record& record = zone.records[i];
    const bool alias = record.type == "CNAME";
    // A host's addresses are the pool's to answer; a fixed one beside them would contradict it.
    if ((alias || record.type == "A" || record.type == "AAAA") && hosts.contains(host_part(record.name))) {
      report.problem(report.where(key, i), quote(record.name) + " belongs to hosts." +
                                               std::string{host_part(record.name)} +
                                               ": its addresses are answered from there");
    }
  }
}

void check_zones(const Realm& realm, Report& report) {
  std::map<std::string_view, std::string> names;
  for (std::size_t i = 0; i < realm.zones.size(); ++i) {
    const Zone& zone = realm.zones[i];
    const Where where = report.where("zones", i);
    if (const auto [first, fresh] = names.try_emplace(zone.name, where.key); !fresh) {
      report.problem(where, "is the same zone as " + first->second);
    }
    check_records(realm, zone, where.key, report);
  }
}

}  // namespace

void validate_names(const Realm& realm, const Topology& topology, Report& report) {
  HostCheck{realm, topology, report}.run();
  check_zones(realm, report);
}

}  // namespace rgw::config
