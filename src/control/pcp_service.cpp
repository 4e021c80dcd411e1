#include "realmgw/control/pcp_service.hpp"

#include "realmgw/control/dns_server.hpp"

#include <algorithm>
#include <map>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace rgw::control {
namespace {

// RFC 6887 section 14.1.3: clients on the link hear that all mappings are gone.
constexpr unsigned announcements = 10;
constexpr std::chrono::milliseconds first_pause{250};  // doubled after each

pcp::Server::Limits limits_of(const config::Pcp& pcp) {
  using std::chrono::duration_cast, std::chrono::seconds;
  return {duration_cast<seconds>(pcp.min_lifetime),
          duration_cast<seconds>(pcp.max_lifetime),
          {pcp.max_mappings, pcp.max_mappings_per_host}};
}

nat::MappingName name_of(const pcp::LeaseKey& key) {
  return {{key.host, key.port}, key.protocol, key.outside};
}

pcp::Result result_of(nat::MapGrant::Why why) {
  switch (why) {
    case nat::MapGrant::Why::granted:
      return pcp::Result::success;
    case nat::MapGrant::Why::host_limit:
      return pcp::Result::user_ex_quota;
    case nat::MapGrant::Why::not_that_one:
      return pcp::Result::cannot_provide_external;
    case nat::MapGrant::Why::no_room:
      break;
  }
  return pcp::Result::no_resources;
}

std::string_view name_of(pcp::Lease::State state) {
  switch (state) {
    case pcp::Lease::State::asked:
      return "asked";
    case pcp::Lease::State::open:
      return "open";
    case pcp::Lease::State::resting:
      return "resting";
  }
  return "";
}

}  // namespace

std::vector<net::Endpoint> pcp_endpoints(const config::Realm& realm) {
  std::vector<net::Endpoint> endpoints;
  if (!realm.pcp.on) return endpoints;
  for (const auto& port : realm.ports) {
    if (port.side != net::Side::inside) continue;
    for (const auto& link : port.addresses) endpoints.push_back({link.address, pcp::server_port});
  }
  return endpoints;
}

PcpService::PcpService(EventLoop& loop, const Clock& clock, const RealmInForce& realm, WorkerLinks& workers,
                       const nat::Ownership& ownership, CounterBlock& counters)
    : loop_{loop},
      clock_{clock},
      realm_{realm},
      workers_{workers},
      ownership_{ownership},
      counters_{counters},
      server_{limits_of(realm->realm.pcp), *this, counters, clock.now()},
      next_announcement_{clock.now()} {
  note_families();
}

void PcpService::note_families() {
  external_families_ = {};
  for (const auto& address : realm_->policy.external)
    external_families_[static_cast<std::size_t>(address.family())] = true;
}

void PcpService::realm_changed(Instant now) {
  note_families();
  const auto& policy = realm_->policy;
  std::map<std::pair<net::Endpoint, net::Protocol>, net::Endpoint> forwards;
  for (const auto& mapping : policy.static_mappings)
    forwards.try_emplace({mapping.outside, mapping.protocol}, mapping.inside);
  const auto stands = [&](const pcp::LeaseKey& key, const net::Endpoint& external) {
    if (view_of(*realm_, key.host) != dns::View::inside) return false;
    if (const auto forward = forwards.find({external, key.protocol}); forward != forwards.end())
      return forward->second == net::Endpoint{key.host, key.port};
    const auto* own = realm_->own_address(external.address);
    if (own == nullptr || !own->external) return false;
    if (policy.external_ports.empty()) return true;
    const auto place = std::ranges::find(policy.external, external.address) - policy.external.begin();
    return policy.external_ports[static_cast<std::size_t>(place)].contains(external.port);
  };
  const bool lost = server_.change(limits_of(realm_->realm.pcp), stands, now);
  if (lost) announced_ = 0;
}

void PcpService::listen(const net::Endpoint& local) {
  unsigned interface = 0;
  for (const auto& port : realm_->ports) {
    for (const auto& link : port.addresses) {
      if (link.address == local.address) interface = if_nametoindex(("rgw-" + port.name).c_str());
    }
  }
  const std::size_t way = ways_.size();
  PcpUdp& socket = *sockets_.emplace_back(std::make_unique<PcpUdp>(
      loop_, local, interface,
      [this, way](std::span<const std::uint8_t> datagram, const net::Endpoint& from) {
        receive(datagram, {way, from});
      }));
  static_cast<void>(add_way([&socket](const net::Endpoint& to, std::span<const std::uint8_t> datagram) {
    socket.send(to, datagram);
  }));
}

std::size_t PcpService::add_way(Send send) {
  ways_.push_back(std::move(send));
  return ways_.size() - 1;
}

void PcpService::receive(std::span<const std::uint8_t> datagram, const pcp::Client& client) {
  if (view_of(*realm_, client.endpoint.address) != dns::View::inside)
    return counters_.add(Counter::pcp_ignored);
  const auto response = server_.receive(datagram, client, clock_.now(), room_);
  if (!response.empty()) ways_[client.socket](client.endpoint, response);
}

void PcpService::answered(const ring::MapAnswered& answered) {
  const nat::MapGrant& grant = answered.grant;
  pcp::Server::Answer answer{std::nullopt, result_of(grant.why)};
  if (grant.why == nat::MapGrant::Why::granted) answer.external = grant.external;
  if (const auto response = server_.answer(answered.ticket, answer, clock_.now(), room_))
    ways_[response->client.socket](response->client.endpoint, response->bytes);
}

void PcpService::tick(Instant now) {
  server_.tick(now);
  announce(now);
}

void PcpService::announce(Instant now) {
  if (announced_ == announcements || now < next_announcement_) return;
  const auto message = pcp::write_announce(server_.epoch(now), room_);
  for (const auto& socket : sockets_) socket->announce(message);
  next_announcement_ = now + first_pause * (1U << announced_);
  ++announced_;
}

std::optional<net::Family> PcpService::family_for(const net::IpAddress& host, net::Family wanted) const {
  // The gateway's own programs need no mapping, and nobody is that address (OUT-8).
  if (realm_->own_address(host) != nullptr || realm_->policy.stands_for_remote(host)) return std::nullopt;
  const auto possible = [&](net::Family outside) {
    if (!external_families_[static_cast<std::size_t>(outside)]) return false;
    if (outside == host.family()) return true;
    return outside == net::Family::v4 ? realm_->policy.pref64.has_value()
                                      : realm_->policy.proxies.has_value();
  };
  if (possible(wanted)) return wanted;
  return possible(net::other(wanted)) ? std::optional{net::other(wanted)} : std::nullopt;
}

std::optional<net::Endpoint> PcpService::fixed(const pcp::LeaseKey& key) const {
  const auto& mappings = realm_->policy.static_mappings;
  const auto found = std::ranges::find_if(mappings, [&](const nat::StaticMapping& mapping) {
    return mapping.protocol == key.protocol && mapping.inside == net::Endpoint{key.host, key.port} &&
           mapping.outside.address.family() == key.outside;
  });
  return found == mappings.end() ? std::nullopt : std::optional{found->outside};
}

bool PcpService::ask(pcp::Ticket ticket, const pcp::Wish& wish) {
  nat::MapWish map{name_of(wish.key), std::nullopt, wish.suggested.port, wish.exact,
                   realm_->realm.pcp.low_ports};
  if (!wish.suggested.address.is_unspecified()) map.address = wish.suggested.address;
  return workers_.try_send(ownership_.owner_in(wish.key.host), ring::MapAsked{ticket, map});
}

bool PcpService::close(const pcp::LeaseKey& key) {
  return tell(key, nat::Hold::resting);
}
bool PcpService::release(const pcp::LeaseKey& key) {
  return tell(key, nat::Hold::none);
}
bool PcpService::tell(const pcp::LeaseKey& key, nat::Hold hold) {
  return workers_.try_send(ownership_.owner_in(key.host), ring::MappingHeld{name_of(key), hold});
}

std::string PcpService::report(std::uint64_t limit, Instant now) const {
  using nlohmann::ordered_json;
  ordered_json mappings = ordered_json::array();
  for (const auto& [key, lease] : server_.leases().all()) {
    if (mappings.size() >= limit) break;
    if (lease.state == pcp::Lease::State::asked) continue;
    mappings.push_back(
        {{"protocol", net::to_string(key.protocol)},
         {"inside", net::Endpoint{key.host, key.port}.to_string()},
         {"external", lease.external.to_string()},
         {"state", name_of(lease.state)},
         {"expires_s",
          std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::seconds>(lease.end - now).count())}});
  }
  return ordered_json{{"epoch_s", server_.epoch(now)},
                      {"mappings_now", server_.leases().all().size()},
                      {"mappings_max", realm_->realm.pcp.max_mappings},
                      {"mappings", mappings}}
      .dump();
}

}  // namespace rgw::control
