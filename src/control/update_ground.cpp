#include "update_ground.hpp"

#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rgw::control {
namespace {

using dns::HeldRecord;
using dns::Name;
using dns::RrType;

constexpr std::size_t max_dhcid = 8;                         // at one name
constexpr std::size_t max_name = 253, longest_service = 11;  // "sctp65535." may stand before it (POOL-2)

HeldRecord record_of(const net::IpAddress& address, std::uint32_t ttl) {
  return {address.is_v4() ? RrType::a : RrType::aaaa, ttl,
          std::string{reinterpret_cast<const char*>(address.data()), address.size()}};
}

std::optional<Name> name_in(std::string_view wire) {
  std::size_t at = 0;
  return Name::from_wire({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()}, at);
}

std::size_t count(std::span<const HeldRecord> records, RrType type) {
  return static_cast<std::size_t>(std::ranges::count(records, type, &HeldRecord::type));
}

/// The network's own address and the broadcast address of a link are no host's.
bool is_reserved(const ring::Snapshot& snapshot, const net::IpAddress& address) {
  for (const auto& port : snapshot.ports) {
    for (const auto& link : port.addresses) {
      const net::Prefix prefix = link.prefix();
      if (!prefix.contains(address) || prefix.length() + 1 >= address.bits()) continue;
      if (address == prefix.address() || (address.is_v4() && address == prefix.last())) return true;
    }
  }
  return false;
}

void add_node(const dns::Zone& zone, const Name& name, std::vector<HeldRecord>& records) {
  const auto* node = zone.find(name);
  if (node == nullptr) return;
  for (const auto& set : node->sets) {
    for (const auto& data : set.records) {
      std::string bytes{reinterpret_cast<const char*>(data.bytes.data()), data.bytes.size()};
      // Names in data are compared in lower case.
      const bool is_name = set.type == RrType::ptr || set.type == RrType::cname;
      if (const auto target = is_name ? name_in(bytes) : std::nullopt) bytes = target->lower().key();
      records.push_back({set.type, set.ttl, std::move(bytes)});
    }
  }
}

}  // namespace

std::optional<std::string> host_name_in(const Name& name, const Name& zone) {
  if (name.size() <= zone.size() || !name.is_within(zone)) return std::nullopt;
  const dns::Labels labels{name};
  std::string text;
  for (const auto label : labels.first(labels.size() - zone.label_count())) {
    if (label.find('.') != std::string_view::npos) return std::nullopt;
    text += (text.empty() ? "" : ".") + std::string{label};
  }
  return text;
}

net::IpAddress address_of(const HeldRecord& record) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(record.data.data());
  if (record.type == RrType::a) return net::Ipv4Address{bytes[0], bytes[1], bytes[2], bytes[3]};
  net::Ipv6Address address;
  std::copy_n(bytes, address.bytes.size(), address.bytes.begin());
  return address;
}

UpdateGround::UpdateGround(const ring::Snapshot& snapshot, const dns::ZoneSet& zones, const Name& zone,
                           const pool::HostNames& names, const DynamicHosts& hosts, std::string_view key)
    : snapshot_{snapshot}, zones_{zones}, zone_{zone}, names_{names}, hosts_{hosts} {
  for (const auto& right : snapshot.realm.dns.updates)
    if (right.key == key) rights_.push_back(&right);
}

bool UpdateGround::is_zone(const Name& name) const {
  const auto* zone = zones_.find(name, dns::View::inside);
  return zone != nullptr && zone->name() == name;
}

std::vector<HeldRecord> UpdateGround::at(const Name& name) const {
  std::vector<HeldRecord> records;
  const auto* zone = zones_.find(name, dns::View::inside);
  if (zone == nullptr) return records;
  add_node(*zone, name, records);
  if (const auto address = zone->reverse() ? dns::address_of_reverse(name) : std::nullopt) {
    const auto* reverse = hosts_.find(*address);
    if (reverse == nullptr) return records;
    if (!reverse->target.empty()) records.push_back({RrType::ptr, reverse->ttl, reverse->target});
    for (const auto& dhcid : reverse->dhcid) records.push_back({RrType::dhcid, reverse->ttl, dhcid});
    return records;
  }
  const auto host_name = zone->dynamic() ? host_name_in(name, zone_) : std::nullopt;
  if (!host_name) return records;
  const auto match = names_.find(*host_name);
  if (match.host == nullptr) return records;
  const std::uint32_t ttl = match.host->dynamic_ttl.value_or(zone->ttl());
  if (match.kind == pool::NameMatch::Kind::srv) {
    records.push_back({RrType::srv, ttl, {}});
    return records;
  }
  for (const auto& address : match.host->addresses) records.push_back(record_of(address, ttl));
  if (match.kind == pool::NameMatch::Kind::host)
    for (const auto& dhcid : hosts_.dhcid_of(match.host->name))
      records.push_back({RrType::dhcid, ttl, dhcid});
  return records;
}

bool UpdateGround::holds(const net::IpAddress& address) const {
  return std::ranges::any_of(rights_, [&](const config::UpdateRight* right) {
    return std::ranges::any_of(right->prefixes,
                               [&](const net::Prefix& prefix) { return prefix.contains(address); });
  });
}

/// Is it below a name that the key is for?
bool UpdateGround::names_below(const Name& name) const {
  return std::ranges::any_of(rights_, [&](const config::UpdateRight* right) {
    if (right->zones.empty()) return name.is_within(zone_);
    return std::ranges::any_of(right->zones, [&](const std::string& text) {
      const auto above = Name::from_text(text);
      return above && name.is_within(*above);
    });
  });
}

bool UpdateGround::may_change(const Name& name) const {
  const auto* zone = zones_.find(name, dns::View::inside);
  if (zone == nullptr || zone->delegation(name) != nullptr) return false;
  const auto* node = zone->find(name);
  if (node != nullptr && !node->sets.empty()) return false;  // the operator's own
  if (zone->reverse()) {
    const auto address = dns::address_of_reverse(name);
    return address && holds(*address);
  }
  const auto host_name = zone->dynamic() ? host_name_in(name, zone_) : std::nullopt;
  if (!host_name || !names_below(name) || !pool::HostNames::is_name(*host_name)) return false;
  if (name.to_string().size() - 1 + longest_service > max_name) return false;
  const auto* host = names_.named(*host_name);
  return host == nullptr || host->dynamic_ttl.has_value();
}

bool UpdateGround::may_stand(const Name& name, std::span<const HeldRecord> records) const {
  if (count(records, RrType::dhcid) > max_dhcid) return false;
  const auto* zone = zones_.find(name, dns::View::inside);
  return zone != nullptr && (zone->reverse() ? may_point(records) : may_host_have(name, records));
}

bool UpdateGround::may_host_have(const Name& name, std::span<const HeldRecord> records) const {
  if (count(records, RrType::a) > 1 || count(records, RrType::aaaa) > 1 || count(records, RrType::ptr) > 0)
    return false;
  const auto host_name = host_name_in(name, zone_).value_or("");
  const auto held = at(name);
  return std::ranges::all_of(records, [&](const HeldRecord& record) {
    if (record.type != RrType::a && record.type != RrType::aaaa) return true;
    const auto address = address_of(record);
    const bool there = std::ranges::any_of(
        held, [&](const HeldRecord& one) { return one.type == record.type && one.data == record.data; });
    return there || (holds(address) && may_be_hosts(address, host_name));
  });
}

/// Can it be the address of this host?
bool UpdateGround::may_be_hosts(const net::IpAddress& address, std::string_view name) const {
  if (!snapshot_.is_inside(address) || snapshot_.own_address(address) != nullptr ||
      is_reserved(snapshot_, address))
    return false;
  const auto* holder = names_.find(address);
  return holder == nullptr || holder->name == name || holder->dynamic_ttl.has_value();
}

bool UpdateGround::may_point(std::span<const HeldRecord> records) const {
  if (count(records, RrType::ptr) > 1) return false;
  return std::ranges::all_of(records, [&](const HeldRecord& record) {
    if (record.type == RrType::dhcid) return true;
    const auto target = record.type == RrType::ptr ? name_in(record.data) : std::nullopt;
    return target && names_below(*target);
  });
}

}  // namespace rgw::control
