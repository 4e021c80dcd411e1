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

/// A message on its way to its answer.
class Exchange {
 public:
  Exchange(std::span<const std::uint8_t> message, std::span<std::uint8_t> room)
      : message_{message}, room_{room}, update_{dns::read_update(message)} {}

  [[nodiscard]] const std::optional<dns::UpdateMessage>& update() const { return update_; }

  [[nodiscard]] std::span<const std::uint8_t> answer(Rcode rcode) { return room_.first(begin(rcode)); }
  /// By its key.
  [[nodiscard]] std::span<const std::uint8_t> signed_answer(Rcode rcode, const dns::TsigKey& key,
                                                            const dns::TsigAppendix& appendix) {
    const std::size_t size = begin(rcode);
    return room_.first(dns::sign(room_, size, key, appendix).value_or(size));
  }
  /// The signature is no good, and there is no MAC in the answer (RFC 8945 section 5.3.2).
  [[nodiscard]] std::span<const std::uint8_t> unsigned_answer(const dns::TsigRecord& tsig, TsigError error) {
    const std::size_t size = begin(Rcode::notauth);
    return room_.first(dns::append_unsigned(room_, size, tsig, error).value_or(size));
  }

 private:
  /// The header, and the zone where it could be read (RFC 2136 section 3.8).
  std::size_t begin(Rcode rcode) {
    dns::MessageWriter writer{room_};
    writer.begin(static_cast<std::uint16_t>(message_[0] << 8 | message_[1]));
    if (update_) writer.question(update_->zone, update_->zone_class);
    return writer.finish(dns::Opcode::update, 0, rcode, nullptr).size();
  }

  std::span<const std::uint8_t> message_;
  std::span<std::uint8_t> room_;
  std::optional<dns::UpdateMessage> update_;
};

Counter counter_of(TsigError error) {
  switch (error) {
    case TsigError::badkey:
      return Counter::dns_update_bad_key;
    case TsigError::badtime:
      return Counter::dns_update_bad_time;
    case TsigError::none:
    case TsigError::badsig:
    case TsigError::badtrunc:
      break;
  }
  return Counter::dns_update_bad_mac;
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
    keys_.push_back(
        {dns::Name::from_text(key.name).value(), key.algorithm, key.secret});  // the loader knows names
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
  Exchange exchange{message, room};
  const auto search = dns::find_tsig(message);
  if (search.malformed || (!search.record && !exchange.update())) {
    counters_.add(Counter::dns_update_malformed);
    return exchange.answer(Rcode::formerr);
  }
  if (!search.record) {
    counters_.add(Counter::dns_update_unsigned);
    return exchange.answer(Rcode::refused);
  }
  const dns::TsigRecord& tsig = *search.record;
  const auto now = clock_();
  auto verdict = dns::check_tsig(message, tsig, keys_, now);
  if (verdict.malformed) {
    counters_.add(Counter::dns_update_malformed);
    return exchange.answer(Rcode::formerr);
  }
  auto* history = verdict.error == TsigError::none ? &histories_[name_of(*verdict.key)] : nullptr;
  const auto sight = history == nullptr ? dns::TsigHistory::Sight{} : history->look(tsig);
  if (sight.seen == dns::TsigHistory::Seen::too_old) verdict.error = TsigError::badtime;

  dns::TsigAppendix appendix{.request_mac = tsig.mac, .time_signed = now, .error = verdict.error};
  if (verdict.error != TsigError::none) {
    counters_.add(counter_of(verdict.error));
    if (verdict.error == TsigError::badkey || verdict.error == TsigError::badsig)
      return exchange.unsigned_answer(tsig, verdict.error);
    if (verdict.error == TsigError::badtime) {  // RFC 8945 section 5.2.3
      appendix.time_signed = tsig.time_signed;
      appendix.fudge = tsig.fudge;
      appendix.server_time = now;
    }
    return exchange.signed_answer(Rcode::notauth, *verdict.key, appendix);
  }
  if (sight.seen == dns::TsigHistory::Seen::before) {
    counters_.add(Counter::dns_update_replayed);
    return exchange.signed_answer(sight.rcode, *verdict.key, appendix);
  }
  Rcode rcode = Rcode::formerr;
  if (exchange.update()) {
    rcode = carry_out(*exchange.update(), *verdict.key, tsig.time_signed);
  } else {
    counters_.add(Counter::dns_update_malformed);
  }
  history->note(tsig, rcode, now);
  return exchange.signed_answer(rcode, *verdict.key, appendix);
}

const std::string& UpdateService::name_of(const dns::TsigKey& key) const {
  return realm_->realm.dns.keys[static_cast<std::size_t>(&key - keys_.data())].name;
}

Rcode UpdateService::carry_out(const dns::UpdateMessage& message, const dns::TsigKey& key,
                               dns::UnixSeconds signed_at) {
  const std::string& name = name_of(key);
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
