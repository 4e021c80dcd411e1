#include "walk.hpp"

#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <array>

#include "record.hpp"

namespace rgw::dns {
namespace {

/// Targets whose addresses one answer brings along.
constexpr std::size_t max_targets = 16;

std::optional<net::Family> family_of(RrType type) {
  if (type == RrType::a) return net::Family::v4;
  if (type == RrType::aaaa) return net::Family::v6;
  return std::nullopt;
}

}  // namespace

Walked Walk::run() {
  Name name = question_.name;
  for (unsigned aliases = 0; aliases <= max_aliases; ++aliases) {
    const Name lower = name.lower();
    const bool is_first = aliases == 0;
    const Zone* zone = zone_of(lower);
    if (zone == nullptr) {
      if (is_first) result_.end = Walked::End::outside;
      break;
    }
    // AA speaks of the first owner name (RFC 1035 section 4.1.1).
    if (is_first) result_.authoritative = true;
    const auto alias = answer_at({name, lower, zone}, is_first);
    if (!alias) break;
    name = *alias;
  }
  return result_;
}

const Zone* Walk::zone_of(const Name& lower) const {
  const Zone* zone = zones_.find(lower, view_);
  // DS stands on the parent's side of a cut (RFC 4035 section 3.1.4.1).
  if (zone != nullptr && question_.type == RrType::ds && !lower.is_root() && lower == zone->name()) {
    if (const Zone* parent = zones_.find(lower.parent(), view_)) return parent;
  }
  return zone;
}

std::optional<Name> Walk::answer_at(const Step& step, bool is_first) {
  const RrType type = question_.type;
  if (const Node* cut = step.zone->delegation(step.lower);
      cut != nullptr && !(type == RrType::ds && cut->name == step.lower)) {
    if (is_first) refer(*cut);
    return std::nullopt;
  }
  const Node* node = step.zone->find(step.lower);
  if (node != nullptr) {
    if (const RrSet* set = node->find(type)) {
      put_set(Section::answer, step.name, *set);
      add_targets(*set, nullptr);
      return std::nullopt;
    }
    if (const RrSet* alias = node->find(RrType::cname)) {
      // An alias that leads back: its records stand there already (RFC 1034 section 3.6.2).
      const auto seen = aliases_.begin() + aliases_seen_;
      if (std::find(aliases_.begin(), seen, node) != seen) return std::nullopt;
      *seen = node;
      ++aliases_seen_;
      put_set(Section::answer, step.name, *alias);
      if (type == RrType::any) return std::nullopt;
      return target_of(RrType::cname, alias->records.front());
    }
  }
  answer_dynamic(step, node);
  return std::nullopt;
}

void Walk::answer_dynamic(const Step& step, const Node* node) {
  const Labels labels{step.name};  // what is found may refer to them
  Found found;
  const bool below_apex = step.name.size() > step.zone->name().size();
  if (step.zone->dynamic() && names_ != nullptr && below_apex) {
    found =
        names_->find(labels.first(labels.size() - step.zone->name().label_count()), question_.type, view_);
  }
  if (step.zone->reverse() && names_ != nullptr && below_apex && answer_reverse(step, node)) return;
  if (found.kind == Found::Kind::none && node == nullptr) return deny(*step.zone, Rcode::nxdomain);
  if (question_.type == RrType::any) return answer_any(step);

  const bool asks_address = family_of(question_.type).has_value();
  switch (found.kind) {
    case Found::Kind::addresses:
      if (asks_address) return answer_addresses(step, found);
      break;
    case Found::Kind::data:
      for (const auto& data : found.data) put_data(step.name, found.ttl, data);
      if (!found.data.empty()) return;
      break;
    case Found::Kind::srv:
      if (question_.type == RrType::srv) return answer_srv(step, found.srv, found.ttl);
      break;
    case Found::Kind::reserve:
      if (asks_address) return answer_reserved(step, found, node != nullptr);
      break;
    case Found::Kind::none:
    case Found::Kind::no_data:
    case Found::Kind::empty_non_terminal:
      break;
  }
  deny(*step.zone, Rcode::noerror);
}

bool Walk::answer_reverse(const Step& step, const Node* node) {
  const auto address = address_of_reverse(step.name);
  if (!address) {
    // Above reverse names that updates have made there may be more names (RFC 8020).
    if (node != nullptr || !names_->has_reverse(view_)) return false;
    deny(*step.zone, Rcode::noerror);
    return true;
  }
  const auto found = names_->reverse(*address, view_);
  if (!found) return false;
  if (question_.type == RrType::ptr) {
    put(Section::answer, step.name, RrType::ptr, found->ttl, {found->name.wire(), {}});
  } else if (question_.type == RrType::any) {
    answer_any(step);
  } else {
    deny(*step.zone, Rcode::noerror);
  }
  return true;
}

void Walk::put_data(const Name& owner, std::uint32_t ttl, std::string_view data) {
  put(Section::answer, owner, question_.type, ttl,
      {{reinterpret_cast<const std::uint8_t*>(data.data()), data.size()}, {}});
}

void Walk::answer_addresses(const Step& step, const Found& found) {
  const auto family = family_of(question_.type);
  bool any = false;
  for (const auto& address : found.addresses) {
    if (address.family() != family) continue;
    put_address(step.name, found.ttl, address);
    any = true;
  }
  if (!any) deny(*step.zone, Rcode::noerror);
}

void Walk::answer_srv(const Step& step, const Found::Srv& srv, std::uint32_t ttl) {
  const auto target = Name::join(srv.target, step.zone->name());
  if (!target) return deny(*step.zone, Rcode::noerror);
  std::array<std::uint8_t, 6 + Name::max_size> data{};
  auto at = data.begin();
  for (const std::uint16_t value : {srv.priority, srv.weight, srv.port}) {
    *at++ = static_cast<std::uint8_t>(value >> 8);
    *at++ = static_cast<std::uint8_t>(value);
  }
  at = std::ranges::copy(target->wire(), at).out;
  put(Section::answer, step.name, RrType::srv, ttl,
      {std::span{data}.first(static_cast<std::size_t>(at - data.begin())), {}});
}

void Walk::answer_reserved(const Step& step, const Found& found, bool has_records) {
  result_.host = found.host;
  result_.service = found.service;
  constexpr std::uint32_t ttl = 0;  // POOL-1: the address is this asker's, and only for a moment
  const auto give = [&](const net::IpAddress& address) {
    result_.bound = requester_.client && requester_.client->family() == address.family();
    put_address(step.name, ttl, address);
  };
  if (settled_ != nullptr) {
    if (settled_->host == found.host && settled_->service == found.service &&
        settled_->address.family() == family_of(question_.type)) {
      return give(settled_->address);
    }
    result_.end = Walked::End::withdrawn;
    return;
  }
  const auto reservation =
      names_->reserve(found.host, found.service, *family_of(question_.type), requester_, question_, now_);
  if (const auto* granted = std::get_if<Granted>(&reservation)) {
    result_.retransmitted = granted->retransmitted;
    result_.proven = granted->proven;
    give(granted->address);
  } else if (const auto* waiting = std::get_if<Waiting>(&reservation)) {
    result_.end = Walked::End::waiting;
    result_.ticket = waiting->ticket;
    result_.proven = waiting->proven;
  } else if (const auto* aliased = std::get_if<Aliased>(&reservation); aliased != nullptr && !has_records) {
    result_.aliased = true;
    put(Section::answer, step.name, RrType::cname, ttl, {aliased->name.wire(), {{0}, 1}});
  } else if (aliased != nullptr || std::holds_alternative<Challenged>(reservation)) {
    // An alias stands beside no other records (RFC 1034 section 3.6.2).
    result_.end = Walked::End::challenged;
  } else {
    result_.end = Walked::End::exhausted;
  }
}

void Walk::answer_any(const Step& step) {
  // RFC 8482 section 4.2: ANY is no way to read a zone, nor to reserve.
  static constexpr std::array<std::uint8_t, 9> hinfo{7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
  put(Section::answer, step.name, RrType::hinfo, step.zone->ttl(), {hinfo, {}});
}

void Walk::refer(const Node& cut) {
  result_.authoritative = false;
  const RrSet& servers = *cut.find(RrType::ns);
  put_set(Section::authority, cut.name, servers);
  add_targets(servers, &cut.name);
}

void Walk::deny(const Zone& zone, Rcode rcode) {
  result_.rcode = rcode;  // of the last name of a chain (RFC 6604 section 3)
  put_set(Section::authority, zone.name(), zone.negative_soa());
}

void Walk::add_targets(const RrSet& set, const Name* required_below) {
  if (set.type != RrType::ns && set.type != RrType::mx && set.type != RrType::srv) return;
  std::array<const Node*, max_targets> seen{};
  std::size_t count = 0;
  for (const auto& rdata : set.records) {
    const Name target = target_of(set.type, rdata);
    const Name lower = target.lower();
    const Zone* zone = zones_.find(lower, view_);
    const Node* node = zone == nullptr ? nullptr : zone->find(lower);
    if (node == nullptr || std::find(seen.begin(), seen.begin() + count, node) != seen.begin() + count)
      continue;
    if (count == max_targets) return;
    seen[count++] = node;
    for (const RrType type : {RrType::a, RrType::aaaa}) {
      const RrSet* addresses = node->find(type);
      if (addresses == nullptr || try_set(target, *addresses)) continue;
      // A referral is of no use without the addresses below the cut (RFC 9471 section 3.1); others are a
      // courtesy.
      if (required_below != nullptr && target.is_within(*required_below)) result_.overflow = true;
    }
  }
}

void Walk::put(Section section, const Name& owner, RrType type, std::uint32_t ttl, const RdataView& rdata) {
  if (!writer_.add(section, owner, type, ttl, rdata)) result_.overflow = true;
}

void Walk::put_set(Section section, const Name& owner, const RrSet& set) {
  for (const auto& rdata : set.records) put(section, owner, set.type, set.ttl, rdata.view());
}

void Walk::put_address(const Name& owner, std::uint32_t ttl, const net::IpAddress& address) {
  put(Section::answer, owner, address.is_v4() ? RrType::a : RrType::aaaa, ttl,
      {{address.data(), address.size()}, {}});
}

bool Walk::try_set(const Name& owner, const RrSet& set) {
  const auto before = writer_.mark();
  for (const auto& rdata : set.records) {
    if (!writer_.add(Section::additional, owner, set.type, set.ttl, rdata.view())) {
      writer_.rewind(before);
      return false;
    }
  }
  return true;
}

}  // namespace rgw::dns
