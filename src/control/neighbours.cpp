#include "realmgw/control/neighbours.hpp"

#include <utility>

namespace rgw::control {

Neighbours::Neighbours(const RealmInForce& realm, NeighbourActions& actions, CounterBlock& counters,
                       Limits limits)
    : realm_{realm}, actions_{actions}, counters_{counters}, limits_{limits}, ages_(realm->ports.size()) {}

const net::InterfaceAddress* Neighbours::own_on_link(PortId port, const net::IpAddress& address) const {
  if (port.value() >= realm_->ports.size()) return nullptr;
  for (const auto& own : realm_->port(port).addresses) {
    if (own.prefix().contains(address)) return &own;
  }
  return nullptr;
}

void Neighbours::heard(PortId port, std::span<const std::uint8_t> frame, Instant now) {
  const auto reading = read_neighbour_message(frame);
  if (const auto* verdict = std::get_if<Verdict>(&reading)) {
    if (!verdict->passed()) counters_.add(verdict->counter());
    return;
  }
  const auto& message = std::get<NeighbourMessage>(reading);
  const Key key{port, message.sender};
  if (own_on_link(port, key.address) == nullptr || realm_->own_address(key.address) != nullptr) return;
  if (message.kind == NeighbourMessage::Kind::request) {
    learn_request(key, message, now);
  } else {
    learn_reply(key, message, now);
  }
}

// RFC 826 "Packet Reception", RFC 4861 section 7.2.3: who asks for us tells where it is. It has not shown
// that our packets arrive there, so it is used at once and asked at once.
void Neighbours::learn_request(const Key& key, const NeighbourMessage& message, Instant now) {
  if (!message.mac) return;
  auto entry = entries_.find(key);
  if (entry == entries_.end()) {
    const auto* target = realm_->own_address(message.target);
    if (target == nullptr || target->port != key.port) return;
    entry = create(key);
  } else if (entry->second.state != State::incomplete && entry->second.mac == *message.mac) {
    return;
  }
  set_mac(entry, *message.mac);
  entry->second.asked = 0;
  probe(entry, now);
}

// RFC 4861 section 7.2.5; of ARP, RFC 826's "merge": only what was asked for is learnt.
void Neighbours::learn_reply(const Key& key, const NeighbourMessage& message, Instant now) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  Entry& neighbour = entry->second;
  if (neighbour.state == State::incomplete && !message.mac) return;

  const bool first = neighbour.state == State::incomplete;
  const bool moved = !first && message.mac && *message.mac != neighbour.mac;
  const bool awaited =
      neighbour.state != State::reachable || !moved;  // no question is open while it is reachable
  if (first || (moved && message.overriding)) set_mac(entry, *message.mac);
  if (message.solicited && awaited && (!moved || message.overriding)) {
    prove(entry, now);
  } else if (first || (moved && (message.overriding || neighbour.state == State::reachable))) {
    // Nobody asked for this, or two stations contend for the address: ask before it is believed for long.
    neighbour.asked = 0;
    probe(entry, now);
  }
}

void Neighbours::resolve(ring::PacketBuffer packet, Instant now) {
  const ring::PacketNote& note = packet.note();
  const Key key{note.port, note.next_hop};
  auto entry = entries_.find(key);
  if (entry != entries_.end() && entry->second.state != State::incomplete) {
    actions_.resume(std::move(packet), entry->second.mac);
    return;
  }
  if (entry == entries_.end()) {
    if (own_on_link(key.port, key.address) == nullptr)
      return drop(std::move(packet), Counter::neighbour_unreachable);
    entry = create(key);
    probe(entry, now);
  }
  auto& waiting = entry->second.waiting;
  if (waiting.size() >= limits_.held_per_neighbour || held_ >= limits_.held) {
    return drop(std::move(packet), Counter::neighbour_hold_full);
  }
  waiting.push_back(std::move(packet));
  ++held_;
}

void Neighbours::tick(Instant now) {
  for (unsigned handled = 0; handled < entries_per_tick; ++handled) {
    if (timers_.empty() || timers_.begin()->first > now) return;
    const auto entry = entries_.find(timers_.begin()->second);
    Entry& neighbour = entry->second;
    if (neighbour.asked < probes) {
      probe(entry, now);
    } else {
      remove(entry, Counter::neighbour_unreachable);
    }
  }
}

std::optional<Instant> Neighbours::next_deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

Neighbours::Table::iterator Neighbours::create(const Key& key) {
  Ages& ages = ages_[key.port.value()];
  if (ages.unproven.size() + ages.proven.size() >= limits_.entries_per_port) {
    const Key oldest = ages.unproven.empty() ? ages.proven.front() : ages.unproven.front();
    remove(entries_.find(oldest), Counter::neighbour_hold_full);
  }
  const auto entry = entries_.try_emplace(key).first;
  entry->second.age = ages.unproven.insert(ages.unproven.end(), key);
  return entry;
}

void Neighbours::set_mac(Table::iterator entry, const net::MacAddress& mac) {
  auto& [key, neighbour] = *entry;
  neighbour.mac = mac;
  if (neighbour.state == State::incomplete) neighbour.state = State::probing;
  counters_.add(Counter::neighbour_learned);
  actions_.update({key.port, true, mac, key.address});
  for (auto& packet : std::exchange(neighbour.waiting, {})) {
    --held_;
    actions_.resume(std::move(packet), mac);
  }
}

void Neighbours::prove(Table::iterator entry, Instant now) {
  auto& [key, neighbour] = *entry;
  Ages& ages = ages_[key.port.value()];
  ages.proven.splice(ages.proven.end(), neighbour.proven ? ages.proven : ages.unproven, neighbour.age);
  neighbour.proven = true;
  neighbour.state = State::reachable;
  neighbour.asked = 0;
  schedule(entry, now + reachable_time);
}

void Neighbours::probe(Table::iterator entry, Instant now) {
  auto& [key, neighbour] = *entry;
  const bool known = neighbour.state != State::incomplete;
  if (known) neighbour.state = State::probing;
  ++neighbour.asked;
  schedule(entry, now + probe_interval);
  const auto* own = own_on_link(key.port, key.address);
  actions_.send_frame(key.port, neighbour_request(realm_->port(key.port).mac, own->address, key.address,
                                                  known ? std::optional{neighbour.mac} : std::nullopt)
                                    .bytes());
}

void Neighbours::schedule(Table::iterator entry, Instant due) {
  timers_.erase({entry->second.due, entry->first});
  entry->second.due = due;
  timers_.insert({due, entry->first});
}

void Neighbours::remove(Table::iterator entry, Counter why_packets_end) {
  auto& [key, neighbour] = *entry;
  for (auto& packet : neighbour.waiting) {
    --held_;
    drop(std::move(packet), why_packets_end);
  }
  if (neighbour.state != State::incomplete) actions_.update({key.port, false, {}, key.address});
  Ages& ages = ages_[key.port.value()];
  (neighbour.proven ? ages.proven : ages.unproven).erase(neighbour.age);
  timers_.erase({neighbour.due, key});
  entries_.erase(entry);
}

void Neighbours::drop(ring::PacketBuffer packet, Counter why) {
  counters_.add(why);
  packet = ring::PacketBuffer{};
}

}  // namespace rgw::control
