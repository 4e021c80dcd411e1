#include "realmgw/control/pinhole_book.hpp"

#include "realmgw/alg/alg.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rgw::control {
namespace {

net::Endpoint shifted(const net::Endpoint& first, unsigned n) {
  return {first.address, static_cast<std::uint16_t>(first.port + n)};
}

}  // namespace

PinholeBook::PinholeBook(const RealmInForce& realm, WorkerLinks& workers, const nat::Ownership& ownership,
                         const pool::HostNames& hosts, CounterBlock& counters, ProxyOf proxy_of)
    : realm_{realm},
      hosts_{hosts},
      workers_{workers},
      ownership_{ownership},
      counters_{counters},
      proxy_of_{std::move(proxy_of)} {}

void PinholeBook::realm_changed() {
  // What may be given may be other ports now; what is leased stays so.
  ports_.clear();
  std::vector<alg::PinholeId> homeless;
  for (const auto& [id, held] : pinholes_) {
    const auto* own = realm_->own_address(held.external.address);
    const bool stands = own != nullptr && own->shared() && is_inside(held.inside.address);
    if (!stands && !held.closed) homeless.push_back(id);
    if (held.leased) set_leased(held, true);
  }
  for (const auto id : homeless) close(id);
}

bool PinholeBook::is_inside(const net::IpAddress& address) const {
  if (realm_->policy.embedded(address)) return false;
  if (address.is_v4() && realm_->policy.proxies && realm_->policy.proxies->contains(address.v4()))
    return false;
  return realm_->is_inside(address);
}

std::optional<net::IpAddress> PinholeBook::seen_outside(const net::IpAddress& address) {
  if (talk_ == nullptr) return std::nullopt;
  if (address == talk_->remote_inside.address) return talk_->remote.address;
  // Every host of the inside is announced at the external address that the conversation has already.
  if (address == talk_->host.address || is_inside(address)) return talk_->host_outside.address;
  if (const auto embedded = realm_->policy.embedded(address)) return *embedded;
  return address.family() == talk_->host_outside.address.family() ? std::optional{address} : std::nullopt;
}

std::optional<net::IpAddress> PinholeBook::seen_inside(const net::IpAddress& address) {
  if (talk_ == nullptr) return std::nullopt;
  if (address == talk_->remote.address) return talk_->remote_inside.address;
  if (address.family() == talk_->host.address.family()) return address;
  if (address.is_v4()) {
    return realm_->policy.pref64 ? std::optional{net::IpAddress{realm_->policy.pref64->embed(address.v4())}}
                                 : std::nullopt;
  }
  const auto proxy = proxy_of_ ? proxy_of_(address.v6()) : std::nullopt;
  return proxy ? std::optional{net::IpAddress{*proxy}} : std::nullopt;
}

std::optional<net::Endpoint> PinholeBook::inside_of(const net::Endpoint& external,
                                                    net::Protocol protocol) const {
  const auto found = by_external_.find({external, protocol});
  if (found == by_external_.end()) return std::nullopt;
  const Held& held = pinholes_.at(found->second);
  return shifted(held.inside, external.port - held.external.port);
}

std::optional<std::string> PinholeBook::name_of(const net::IpAddress& host) const {
  const auto* found = hosts_.find(host);
  const auto& zones = realm_->realm.zones;
  if (found == nullptr || zones.empty()) return std::nullopt;
  return found->name + "." + zones.front().name;
}

PinholeBook::Ports& PinholeBook::ports_of(const net::IpAddress& external, net::Protocol protocol) {
  const auto [entry, fresh] = ports_.try_emplace({external, protocol});
  if (!fresh) return entry->second;
  const net::PortRange& range = *realm_->policy.pinhole_ports;
  auto& [others, leased] = entry->second;
  others.resize(range.last - range.first + 1U);
  leased.resize(others.size());
  const auto& policy = realm_->policy;
  const auto place = std::ranges::find(policy.external, external);
  const auto index = static_cast<std::size_t>(place - policy.external.begin());
  if (index < policy.external_ports.size()) {
    // An address of which only a part is the gateway's.
    for (std::uint32_t port = range.first; port <= range.last; ++port)
      others[port - range.first] = !policy.external_ports[index].contains(static_cast<std::uint16_t>(port));
  }
  for (const auto& service : realm_->policy.local_services) {
    if (service.protocol == protocol && range.contains(service.port))
      others[service.port - range.first] = true;
  }
  for (const auto& mapping : realm_->policy.static_mappings) {
    if (mapping.protocol == protocol && mapping.outside.address == external &&
        range.contains(mapping.outside.port))
      others[mapping.outside.port - range.first] = true;
  }
  return entry->second;
}

// Consecutive ports of the range that are free and the home's own: the wanted ones, or the next from where
// the last search ended. Two and more begin at an even one (RFC 3550 section 11).
std::optional<std::uint16_t> PinholeBook::lease(const net::Endpoint& wanted, net::Protocol protocol,
                                                std::uint8_t count, WorkerId home) {
  const net::PortRange& range = *realm_->policy.pinhole_ports;
  const auto& [others, leased] = ports_of(wanted.address, protocol);
  const auto size = static_cast<std::uint32_t>(others.size());
  const auto fits = [&](std::uint32_t at) {
    if (at + count > size || (count > 1 && (range.first + at) % 2 != 0)) return false;
    for (std::uint32_t n = at; n < at + count; ++n) {
      if (others[n] || leased[n]) return false;
    }
    return ownership_.owner_out(wanted.address, static_cast<std::uint16_t>(range.first + at)) == home;
  };
  if (range.contains(wanted.port) && fits(wanted.port - range.first)) return wanted.port;
  for (std::uint32_t n = 0; n < size; ++n) {
    const std::uint32_t at = (next_try_ + n) % size;
    if (!fits(at)) continue;
    next_try_ = (at + count) % size;
    return static_cast<std::uint16_t>(range.first + at);
  }
  return std::nullopt;
}

void PinholeBook::set_leased(const Held& held, bool leased) {
  auto& ports = ports_of(held.external.address, held.protocol).leased;
  for (std::uint32_t n = 0; n < held.ports; ++n)
    ports[held.external.port - realm_->policy.pinhole_ports->first + n] = leased;
}

void PinholeBook::mark(const Held& held, bool leased) {
  set_leased(held, leased);
  leased_ = leased ? leased_ + held.ports : leased_ - held.ports;
}

std::optional<PinholeBook::Opened> PinholeBook::refuse() {
  counters_.add(Counter::alg_pinhole_refused);
  return std::nullopt;
}

std::optional<PinholeBook::Opened> PinholeBook::open(const alg::PinholeRequest& request) {
  if (talk_ == nullptr || !realm_->policy.pinhole_ports) return std::nullopt;
  const bool inward = request.arrival == net::Side::outside;
  const auto& limits = realm_->realm.alg;
  // A hole for the gateway's own addresses would lead past its guards, and one for the outside into it.
  if (inward &&
      (!is_inside(request.target.address) || realm_->own_address(request.target.address) != nullptr))
    return refuse();
  const net::IpAddress host = inward ? request.target.address : request.from.value_or(talk_->host.address);
  const auto of_host = of_host_.find(host);
  if (pinholes_.size() >= limits.max_pinholes || request.ports == 0 ||
      request.ports > nat::PinholeTable::max_ports ||
      (of_host != of_host_.end() && of_host->second >= limits.max_pinholes_per_host))
    return refuse();
  // Where a worker is behind, the text would overtake its pinhole.
  if (!workers_.room_for(1)) return refuse();

  Held held{request.target,
            {request.external.value_or(talk_->host_outside.address), request.preferred_port},
            request.protocol,
            request.ports,
            reader_,
            true,
            false};
  const auto* own = realm_->own_address(held.external.address);
  if (own == nullptr || !own->shared()) return refuse();
  if (inward && request.ports == 1 && request.target == talk_->host && held.external == talk_->host_outside &&
      request.protocol == talk_->protocol) {
    held.leased = false;
    if (by_external_.contains({held.external, held.protocol})) return refuse();
  } else {
    const auto port = lease(held.external, held.protocol, held.ports, ownership_.owner_in(host));
    if (!port) return refuse();
    held.external.port = *port;
    mark(held, true);
  }
  if (!inward) held.inside = {host, 0};
  held.host = talk_->host;
  held.remote = talk_->remote;

  const alg::PinholeId id = ++last_id_;
  nat::Pinhole hole{};
  hole.id = id;
  hole.inside = held.inside;
  hole.external = held.external;
  hole.remote = inward ? net::Endpoint{request.from.value_or(net::IpAddress{}), 0} : request.target;
  hole.deadline = request.deadline;
  hole.protocol = request.protocol;
  hole.arrival = request.arrival;
  hole.one_remote = !inward || request.from.has_value();
  hole.single_use = request.single_use;
  hole.ports = inward ? request.ports : std::uint8_t{1};
  hole.reader = request.signalling ? static_cast<std::uint8_t>(reader_ + 1) : std::uint8_t{0};
  workers_.broadcast(ring::PinholeOpen{hole});

  if (inward) {
    for (unsigned n = 0; n < held.ports; ++n) by_external_[{shifted(held.external, n), held.protocol}] = id;
  }
  ++of_host_[host];
  const net::Endpoint external = held.external;
  pinholes_.emplace(id, std::move(held));
  return Opened{id, external};
}

void PinholeBook::meet(alg::PinholeId id, std::uint8_t nth, const net::Endpoint& remote) {
  const auto found = pinholes_.find(id);
  if (found == pinholes_.end() || found->second.closed || nth >= found->second.ports) return;
  if (nth == 0) found->second.peer = remote;
  if (const auto seen = seen_inside(remote.address))
    workers_.broadcast(ring::PinholeMet{id, nth, {*seen, remote.port}});
}

void PinholeBook::extend(alg::PinholeId id, Instant deadline) {
  const auto found = pinholes_.find(id);
  if (found != pinholes_.end() && !found->second.closed)
    workers_.broadcast(ring::PinholeExtend{id, deadline});
}

void PinholeBook::close(alg::PinholeId id) {
  const auto found = pinholes_.find(id);
  if (found == pinholes_.end() || found->second.closed) return;
  Held& held = found->second;
  held.closed = true;
  for (unsigned n = 0; n < held.ports; ++n) {
    const auto at = by_external_.find({shifted(held.external, n), held.protocol});
    if (at != by_external_.end() && at->second == id) by_external_.erase(at);
  }
  workers_.broadcast(ring::PinholeClose{id});
}

void PinholeBook::ended(alg::PinholeId id) {
  const auto found = pinholes_.find(id);
  if (found == pinholes_.end()) return;
  close(id);  // the other workers know it still
  if (found->second.leased) mark(found->second, false);
  const auto of_host = of_host_.find(found->second.inside.address);
  if (of_host != of_host_.end() && --of_host->second == 0) of_host_.erase(of_host);
  pinholes_.erase(found);
}

std::string PinholeBook::describe(const nat::PinholeInfo& hole) const {
  nlohmann::ordered_json json{{"protocol", net::to_string(hole.protocol)},
                              {"arrival", hole.arrival == net::Side::outside ? "outside" : "inside"},
                              {"inside", hole.inside.to_string()},
                              {"external", hole.external.to_string()},
                              {"ports", hole.ports},
                              {"remote", nullptr},
                              {"worker", hole.worker},
                              {"sessions", hole.sessions},
                              {"used", hole.used},
                              {"expires_s", hole.expires_s}};
  if (hole.arrival == net::Side::inside) {
    json["inside"] = hole.inside.address.to_string();
    json["remote"] = hole.remote.to_string();
  } else if (hole.one_remote) {
    json["remote"] = hole.remote.address.to_string();
  }
  const auto found = pinholes_.find(hole.id);
  if (found == pinholes_.end()) return json.dump();  // it has ended since
  const Held& held = found->second;
  if (held.peer) json["remote"] = held.peer->to_string();
  json["alg"] = alg::registrations()[held.reader].name;
  json["conversation"] = {{"host", held.host.to_string()}, {"remote", held.remote.to_string()}};
  return json.dump();
}

std::size_t PinholeBook::of_reader(std::uint8_t reader) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      pinholes_, [reader](const auto& entry) { return entry.second.reader == reader; }));
}

}  // namespace rgw::control
