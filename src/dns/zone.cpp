#include "realmgw/dns/zone.hpp"

#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "record.hpp"

namespace rgw::dns {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument(why);
}

std::string describe(const ZoneSpec& spec, const ZoneFault& fault) {
  std::string text = "zone " + spec.name + ": ";
  if (fault.record) {
    const RecordSpec& record = spec.records[*fault.record];
    text += "record \"" + record.name + " " + record.type + " " + record.data + "\": ";
  }
  return text + fault.why;
}

Name name_or_refuse(const std::string& text, const std::string& what) {
  const auto name = Name::from_text(text);
  if (!name) refuse(what + " \"" + text + "\" is not a domain name");
  return *name;
}

/// The owner of a record: RFC 1035 section 5.1's rules for relative names.
Name owner_of(const RecordSpec& record, const Name& zone) {
  if (record.name.empty() || record.name == "@") return zone;
  const Name owner = name_or_refuse(record.name, "the name");
  const bool absolute = record.name.ends_with('.') && !record.name.ends_with("\\.");
  if (!absolute) {
    const Labels labels{owner};
    const auto joined = Name::join(labels.first(labels.size()), zone);
    if (!joined) refuse("with the zone's name the name is too long for DNS");
    return *joined;
  }
  if (!owner.is_within(zone)) refuse("the name lies outside the zone");
  return owner;
}

/// Why a type may not stand among the records of a zone; empty where it may.
std::string_view why_not(RrType type) {
  if (is_meta(type)) return "a type that no zone holds";
  switch (type) {
    case RrType::soa:
      return "the SOA record is made from the zone's own keys";
    case RrType::dname:
      return "DNAME is not served";
    case RrType::rrsig:
    case RrType::nsec:
    case RrType::dnskey:
    case RrType::nsec3:
    case RrType::nsec3param:
      return "zones are not signed";
    default:
      return {};
  }
}

bool has_address(const Node* node) {
  return node != nullptr && (node->find(RrType::a) != nullptr || node->find(RrType::aaaa) != nullptr);
}

RrSet& set_of(Node& node, RrType type, std::uint32_t ttl) {
  const auto at = std::ranges::find(node.sets, type, &RrSet::type);
  if (at != node.sets.end()) return *at;
  return node.sets.emplace_back(RrSet{type, ttl, {}, 0});
}

}  // namespace

const RrSet* Node::find(RrType type) const {
  const auto at = std::ranges::find(sets, type, &RrSet::type);
  return at == sets.end() ? nullptr : &*at;
}

Zone::Zone(const ZoneSpec& spec, std::vector<ZoneFault>& faults)
    : dynamic_{spec.dynamic}, views_{spec.views}, ttl_{spec.ttl} {
  try {
    begin(spec);
  } catch (const std::invalid_argument& error) {
    faults.push_back({std::nullopt, error.what()});
    return;
  }
  for (std::size_t i = 0; i < spec.records.size(); ++i) {
    try {
      add(spec, i);
    } catch (const std::invalid_argument& error) {
      faults.push_back({i, error.what()});
    }
  }
  if (faults.empty()) check(faults);
}

Zone::Zone(const ZoneSpec& spec)
    : Zone{[&] {
        std::vector<ZoneFault> faults;
        Zone zone{spec, faults};
        if (!faults.empty()) refuse(describe(spec, faults.front()));
        return zone;
      }()} {}

void Zone::begin(const ZoneSpec& spec) {
  name_ = name_or_refuse(spec.name, "the zone's name");
  label_count_ = name_.label_count();
  reverse_ = is_reverse(name_);
  if (spec.nameservers.empty()) refuse("no name server");

  std::vector<Name> servers;
  for (const auto& server : spec.nameservers) servers.push_back(name_or_refuse(server, "the name server"));
  Name contact;
  if (spec.contact.empty()) {
    const std::string_view label = "hostmaster";
    contact = Name::join({&label, 1}, name_).value_or(name_);
  } else {
    contact = name_or_refuse(spec.contact, "the contact");
  }

  Node& apex = nodes_[std::string{name_.lower().key()}];
  sizes_.set(name_.size());
  apex.name = name_;
  apex_ = &apex;
  set_of(apex, RrType::soa, spec.ttl)
      .records.push_back(soa_rdata(servers.front(), contact, spec.serial, spec.negative_ttl, spec.refresh));
  for (const auto& server : servers) set_of(apex, RrType::ns, spec.ttl).records.push_back(name_rdata(server));
  negative_soa_ = *apex.find(RrType::soa);
  negative_soa_.ttl = std::min(spec.ttl, spec.negative_ttl);
}

void Zone::set_serial(std::uint32_t serial) {
  RrSet* const whole = &*std::ranges::find(apex_->sets, RrType::soa, &RrSet::type);
  for (RrSet* soa : {whole, &negative_soa_}) {
    auto& bytes = soa->records.front().bytes;
    constexpr std::size_t numbers = 20;  // the serial is the first of five
    const std::size_t at = bytes.size() - numbers;
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(serial >> (24 - 8 * i));
  }
}

bool Zone::visible(View view) const {
  return views_ == ZoneViews::both || (views_ == ZoneViews::outside) == (view == View::outside);
}

Node& Zone::node_at(const Name& name) {
  // A name brings all names above it into being, the zone's own excepted, which is there (RFC 4592
  // section 2.2.2).
  Name above = name;
  for (std::size_t depth = name.label_count(); depth > label_count_; --depth) {
    const auto [at, is_new] = nodes_.try_emplace(std::string{above.lower().key()});
    if (!is_new) break;
    sizes_.set(above.size());
    at->second.name = above;
    above = above.parent();
  }
  return nodes_.find(name.lower().key())->second;
}

void Zone::add(const ZoneSpec& spec, std::size_t index) {
  const RecordSpec& record = spec.records[index];
  const Name owner = owner_of(record, name_);
  if (Labels{owner}.size() > 0 && Labels{owner}[0] == "*") refuse("wildcards are not served");

  WireRecord parsed = parse_record(owner, record.ttl.value_or(spec.ttl), record.type, record.data, name_);
  if (const auto reason = why_not(parsed.type); !reason.empty()) refuse(std::string{reason});

  Node& node = node_at(owner);
  const RrSet* there = node.find(parsed.type);
  // RFC 1034 section 3.6.2: the apex has its SOA and NS records.
  const auto alone = [] { refuse("a CNAME stands alone at its name (RFC 1034 section 3.6.2)"); };
  const bool is_alias = parsed.type == RrType::cname;
  if (node.find(RrType::cname) != nullptr ? !is_alias : is_alias && !node.sets.empty()) alone();
  // The apex's NS set has the zone's TTL already; a record that says nothing joins any set.
  if (there != nullptr && record.ttl && there->ttl != *record.ttl) {
    refuse("another record of this name and type has another TTL (RFC 2181 section 5.2)");
  }
  const auto same = [&](const Rdata& other) { return other.bytes == parsed.rdata.bytes; };
  if (there != nullptr && std::ranges::any_of(there->records, same)) return;
  if (there != nullptr && is_alias) alone();
  RrSet& set = set_of(node, parsed.type, parsed.ttl);
  if (there == nullptr) set.source = index;
  set.records.push_back(std::move(parsed.rdata));
  if (parsed.type == RrType::ns && &node != apex_) has_delegations_ = true;
}

/// RFC 4035 section 2.4, RFC 7344 section 4.
void Zone::check_place(const Node& node, std::vector<ZoneFault>& faults) const {
  const bool at_apex = &node == apex_;
  if (const RrSet* ds = node.find(RrType::ds); ds != nullptr && (at_apex || node.find(RrType::ns) == nullptr))
    faults.push_back({ds->source, "a DS record stands beside the NS records of a delegation"});
  for (const RrType type : {RrType::cds, RrType::cdnskey}) {
    if (const RrSet* set = node.find(type); set != nullptr && !at_apex)
      faults.push_back({set->source, "CDS and CDNSKEY records stand at the zone's own name"});
  }
}

void Zone::check(std::vector<ZoneFault>& faults) const {
  // A name server within the zone needs an address there, and no CNAME (RFC 2181 section 10.3).
  for (const auto& [key, node] : nodes_) {
    check_place(node, faults);
    const RrSet* servers = node.find(RrType::ns);
    if (servers == nullptr) continue;
    for (const auto& rdata : servers->records) {
      const Name server = target_of(RrType::ns, rdata);
      if (!server.is_within(name_) || has_address(find(server.lower()))) continue;
      faults.push_back({&node == apex_ ? std::nullopt : std::optional{servers->source},
                        "the name server " + server.to_string() + " has no address record in the zone"});
    }
  }
}

const Node* Zone::find_key(std::string_view key) const {
  if (!sizes_[key.size()]) return nullptr;
  const auto at = nodes_.find(key);
  return at == nodes_.end() ? nullptr : &at->second;
}

const Node* Zone::delegation(const Name& lower_name) const {
  if (!has_delegations_) return nullptr;
  const Node* highest = nullptr;
  auto key = lower_name.key();
  while (key.size() > name_.size()) {
    const Node* node = find_key(key);
    if (node != nullptr && node->find(RrType::ns) != nullptr) highest = node;
    key.remove_prefix(1U + static_cast<std::uint8_t>(key.front()));
  }
  return highest;
}

std::vector<NamedAddress> Zone::addresses() const {
  std::vector<NamedAddress> result;
  for (const auto& [key, node] : nodes_) {
    if (delegation(node.name.lower()) != nullptr) continue;
    for (const auto& set : node.sets) {
      if (set.type != RrType::a && set.type != RrType::aaaa) continue;
      for (const auto& rdata : set.records) {
        const auto* b = rdata.bytes.data();
        const auto address = set.type == RrType::a ? net::IpAddress{net::Ipv4Address{b[0], b[1], b[2], b[3]}}
                                                   : net::IpAddress{net::Ipv6Address::from_bytes(b)};
        result.push_back({address, node.name.to_string()});
      }
    }
  }
  std::ranges::sort(result, {},
                    [](const NamedAddress& named) { return std::tie(named.address, named.name); });
  return result;
}

ZoneSet::ZoneSet(std::vector<Zone> zones) : zones_{std::move(zones)} {
  for (const auto& zone : zones_) {
    sizes_.set(zone.name().size());
    for (const View view : {View::outside, View::inside}) {
      if (!zone.visible(view)) continue;
      const bool is_new = by_view_[static_cast<std::size_t>(view)]
                              .try_emplace(std::string{zone.name().lower().key()}, &zone)
                              .second;
      if (!is_new)
        refuse("zone " + zone.name().to_string() + ": there are two zones of this name in one view");
    }
  }
}

void ZoneSet::set_serial(std::uint32_t serial) {
  for (auto& zone : zones_) zone.set_serial(serial);
}

std::vector<AliasLoop> ZoneSet::alias_loops() const {
  struct Alias {
    const Zone* zone;
    const Node* node;
    Alias* next = nullptr;  // where it leads, if to another
    unsigned walk = 0;      // that saw it first
  };
  std::vector<AliasLoop> loops;
  for (const View view : {View::outside, View::inside}) {
    std::vector<Alias> aliases;
    for (const auto& zone : zones_) {
      if (!zone.visible(view)) continue;
      zone.for_each_alias([&](const Node& node) {
        const Name lower = node.name.lower();
        if (find(lower, view) == &zone && zone.delegation(lower) == nullptr)
          aliases.push_back({&zone, &node});
      });
    }
    const auto place = [this](const Alias& alias) {
      return std::pair{static_cast<std::size_t>(alias.zone - zones_.data()),
                       alias.node->find(RrType::cname)->source};
    };
    std::ranges::sort(aliases, {}, place);
    std::unordered_map<const Node*, Alias*> by_node;
    for (auto& alias : aliases) by_node.emplace(alias.node, &alias);
    for (auto& alias : aliases) {
      const Name target = target_of(RrType::cname, alias.node->find(RrType::cname)->records.front()).lower();
      const Zone* zone = find(target, view);
      const auto next = by_node.find(zone == nullptr ? nullptr : zone->find(target));
      if (next != by_node.end()) alias.next = next->second;
    }
    unsigned walk = 0;
    for (auto& first : aliases) {
      ++walk;
      Alias* at = &first;
      while (at != nullptr && at->walk == 0) {
        at->walk = walk;
        at = at->next;
      }
      if (at == nullptr || at->walk != walk) continue;
      // `at` is on a loop that nobody saw before; it is told from its first record.
      const Alias* start = at;
      for (const Alias* one = at->next; one != at; one = one->next) {
        if (place(*one) < place(*start)) start = one;
      }
      AliasLoop loop{place(*start).first, place(*start).second, start->node->name.to_string()};
      constexpr unsigned most = 8;  // names that a line shows
      unsigned names = 1;
      for (const Alias* one = start->next; one != start; one = one->next, ++names) {
        if (names < most) loop.path += " -> " + one->node->name.to_string();
      }
      if (names > most) loop.path += " -> ...";
      loop.path += " -> " + start->node->name.to_string();
      const auto same = [&](const AliasLoop& other) {
        return other.zone == loop.zone && other.record == loop.record;
      };
      if (std::ranges::none_of(loops, same)) loops.push_back(std::move(loop));
    }
  }
  return loops;
}

const Zone* ZoneSet::find(const Name& lower_name, View view) const {
  const Table& table = by_view_[static_cast<std::size_t>(view)];
  for (auto key = lower_name.key();; key.remove_prefix(1U + static_cast<std::uint8_t>(key.front()))) {
    if (sizes_[key.size()]) {
      if (const auto at = table.find(key); at != table.end()) return at->second;
    }
    if (key.size() == 1) return nullptr;  // the root
  }
}

}  // namespace rgw::dns
