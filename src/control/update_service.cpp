#include "realmgw/control/update_service.hpp"

#include "realmgw/dns/message_writer.hpp"
#include "realmgw/dns/reverse.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "update_ground.hpp"

namespace rgw::control {
namespace {

using dns::Rcode;
using dns::RrType;
using dns::TsigError;

/// The header of the answer, and the zone where it could be read (RFC 2136 section 3.8).
std::size_t begin_answer(std::span<const std::uint8_t> message,
                         const std::optional<dns::UpdateMessage>& update, Rcode rcode,
                         std::span<std::uint8_t> room) {
  dns::MessageWriter writer{room};
  writer.begin(static_cast<std::uint16_t>(message[0] << 8 | message[1]));
  if (update) writer.question(update->zone, update->zone_class);
  return writer.finish(dns::Opcode::update, 0, rcode, nullptr).size();
}

std::vector<std::string> dhcid_in(const std::vector<dns::HeldRecord>& records) {
  std::vector<std::string> all;
  for (const auto& record : records)
    if (record.type == RrType::dhcid) all.push_back(record.data);
  return all;
}

std::uint32_t least_ttl(const std::vector<dns::HeldRecord>& records) {
  const auto least = std::ranges::min_element(records, {}, &dns::HeldRecord::ttl);
  return least == records.end() ? 0 : least->ttl;
}

}  // namespace

UpdateService::UpdateService(const RealmInForce& realm, const dns::Responder& responder,
                             const pool::HostNames& names, DynamicHosts& hosts, CounterBlock& counters,
                             WallClock clock)
    : realm_{realm},
      responder_{responder},
      names_{names},
      hosts_{hosts},
      counters_{counters},
      clock_{std::move(clock)} {
  realm_changed();
}

void UpdateService::realm_changed() {
  const auto& realm = realm_->realm;
  zone_ = dns::Name::from_text(realm.name).value_or(dns::Name{}).lower();
  keys_.clear();
  for (const auto& key : realm.dns.keys) {
    if (const auto name = dns::Name::from_text(key.name)) keys_.push_back({*name, key.algorithm, key.secret});
    // What was signed before the last one that is kept may have been here before.
    const auto [history, fresh] = histories_.try_emplace(key.name);
    if (const auto last = fresh ? hosts_.last_signed(key.name) : std::nullopt)
      history->second.forget_before(*last + 1);
  }
}

std::span<const std::uint8_t> UpdateService::answer(std::span<const std::uint8_t> message,
                                                    std::span<std::uint8_t> room) {
  counters_.add(Counter::dns_queries);
  counters_.add(Counter::dns_answers);
  const auto update = dns::read_update(message);
  const auto answered = [&](Rcode rcode, auto&&... append) {
    const std::size_t size = begin_answer(message, update, rcode, room);
    std::optional<std::size_t> whole{size};
    ((whole = append(size)), ...);
    return std::span<const std::uint8_t>{room.first(whole.value_or(size))};
  };
  const auto search = dns::find_tsig(message);
  if (search.malformed || (!search.record && !update)) {
    counters_.add(Counter::dns_update_malformed);
    return answered(Rcode::formerr);
  }
  if (!search.record) {
    counters_.add(Counter::dns_update_unsigned);
    return answered(Rcode::refused);
  }

  const dns::TsigRecord& tsig = *search.record;
  const auto now = clock_();
  auto verdict = dns::check_tsig(message, tsig, keys_, now);
  if (verdict.malformed) {
    counters_.add(Counter::dns_update_malformed);
    return answered(Rcode::formerr);
  }
  const auto with = [&](TsigError error) {
    return [&, error](std::size_t size) {
      if (error == TsigError::badkey || error == TsigError::badsig)
        return dns::append_unsigned(room, size, tsig, error);
      const bool late = error == TsigError::badtime;
      dns::TsigAppendix appendix{
          .request_mac = tsig.mac, .time_signed = late ? tsig.time_signed : now, .error = error};
      if (late) {
        appendix.fudge = tsig.fudge;
        appendix.server_time = now;
      }
      return dns::sign(room, size, *verdict.key, appendix);
    };
  };
  dns::TsigHistory* history = nullptr;
  dns::TsigHistory::Sight sight;
  if (verdict.error == TsigError::none) {
    history = &histories_[realm_->realm.dns.keys[static_cast<std::size_t>(verdict.key - keys_.data())].name];
    sight = history->look(tsig);
    if (sight.seen == dns::TsigHistory::Seen::too_old) verdict.error = TsigError::badtime;
  }
  switch (verdict.error) {
    case TsigError::none:
      break;
    case TsigError::badkey:
      counters_.add(Counter::dns_update_bad_key);
      return answered(Rcode::notauth, with(verdict.error));
    case TsigError::badtime:
      counters_.add(Counter::dns_update_bad_time);
      return answered(Rcode::notauth, with(verdict.error));
    case TsigError::badsig:
    case TsigError::badtrunc:
      counters_.add(Counter::dns_update_bad_mac);
      return answered(Rcode::notauth, with(verdict.error));
  }
  if (sight.seen == dns::TsigHistory::Seen::before) {
    counters_.add(Counter::dns_update_replayed);
    return answered(sight.rcode, with(TsigError::none));
  }
  Rcode rcode = Rcode::formerr;
  if (update) {
    rcode = carry_out(*update, *verdict.key, tsig.time_signed);
  } else {
    counters_.add(Counter::dns_update_malformed);
  }
  history->note(tsig, rcode, now);
  return answered(rcode, with(TsigError::none));
}

Rcode UpdateService::carry_out(const dns::UpdateMessage& message, const dns::TsigKey& key,
                               dns::UnixSeconds signed_at) {
  const auto& name = realm_->realm.dns.keys[static_cast<std::size_t>(&key - keys_.data())].name;
  const UpdateGround ground{*realm_, responder_.zones(), zone_, names_, hosts_, name};
  const auto updated = dns::carry_out(message, ground);
  if (updated.rcode != Rcode::noerror) {
    count(updated);
    return updated.rcode;
  }
  auto changes = changes_of(updated);
  const auto added = std::ranges::count_if(changes.hosts, [&](const DynamicHost& host) {
    return !host.empty() && hosts_.find(host.name) == nullptr;
  });
  const auto reversed = std::ranges::count_if(changes.reverses, [&](const DynamicReverse& reverse) {
    return !reverse.empty() && hosts_.find(reverse.address) == nullptr;
  });
  const std::size_t most = realm_->realm.dns.dynamic_hosts;
  if ((added > 0 && hosts_.hosts() + static_cast<std::size_t>(added) > most) ||
      (reversed > 0 && hosts_.reverses() + static_cast<std::size_t>(reversed) > 2 * most)) {
    counters_.add(Counter::dns_update_no_room);
    return Rcode::refused;
  }
  if (!changes.empty() && !hosts_.change(std::move(changes), name, signed_at)) {
    counters_.add(Counter::dns_update_not_kept);
    return Rcode::servfail;
  }
  counters_.add(Counter::dns_updates);
  return Rcode::noerror;
}

DynamicChanges UpdateService::changes_of(const dns::Updated& updated) const {
  DynamicChanges changes;
  for (const auto& [name, records] : updated.changes) {
    if (const auto address = dns::address_of_reverse(name)) {
      auto& reverse = changes.reverses.emplace_back();
      reverse.address = *address;
      reverse.dhcid = dhcid_in(records);
      reverse.ttl = least_ttl(records);
      const auto pointer = std::ranges::find(records, RrType::ptr, &dns::HeldRecord::type);
      if (pointer != records.end()) reverse.target = pointer->data;
      continue;
    }
    auto& host = changes.hosts.emplace_back();
    host.name = host_name_in(name, zone_).value();
    host.dhcid = dhcid_in(records);
    host.ttl = least_ttl(records);
    for (const auto& record : records)
      if (record.type == RrType::a || record.type == RrType::aaaa)
        host.addresses.push_back(address_of(record));
  }
  return changes;
}

void UpdateService::count(const dns::Updated& updated) {
  const auto counter = [&] {
    if (updated.prerequisite) return Counter::dns_update_prerequisite;
    return updated.rcode == Rcode::refused ? Counter::dns_update_refused : Counter::dns_update_malformed;
  };
  counters_.add(counter());
}

bool UpdateService::fits(const DynamicHost& host, const ring::Snapshot& snapshot) {
  return std::ranges::all_of(host.addresses, [&](const net::IpAddress& address) {
    return snapshot.is_inside(address) && snapshot.own_address(address) == nullptr &&
           !snapshot.hosts.contains(address);
  });
}

}  // namespace rgw::control
