#include "realmgw/pcp/server.hpp"

#include <algorithm>
#include <utility>

namespace rgw::pcp {
namespace {

// Section 15.1: what the operator has written lasts for ever.
constexpr std::uint32_t lifetime_of_fixed = 0xffffffff;

// Section 13.2: what a client insists on: a port, and an address if it names one.
bool is_as_suggested(const net::Endpoint& suggested, const net::Endpoint& external) {
  return (suggested.address.is_unspecified() || suggested.address == external.address) &&
         suggested.port == external.port;
}

std::uint32_t seconds_left(Instant end, Instant now) {
  return end <= now ? 0
                    : static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(end - now).count());
}

}  // namespace

Server::Server(const Limits& limits, Mapper& mapper, CounterBlock& counters, Instant now)
    : limits_{limits}, mapper_{mapper}, counters_{counters}, started_{now}, leases_{limits.leases} {}

std::uint32_t Server::epoch(Instant now) const {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now - started_).count());
}

// Section 15: neither more nor less than the operator allows.
std::uint32_t Server::lifetime_of(std::uint32_t asked) const {
  return static_cast<std::uint32_t>(
      std::clamp(std::chrono::seconds{asked}, limits_.shortest, limits_.longest).count());
}

std::span<const std::uint8_t> Server::refuse(Result result, const Exchange& exchange) {
  return refuse(result, error_lifetime(result), exchange);
}
std::span<const std::uint8_t> Server::refuse(Result result, std::uint32_t lifetime,
                                             const Exchange& exchange) {
  const bool malformed = result == Result::malformed_request || result == Result::malformed_option;
  counters_.add(malformed ? Counter::pcp_malformed : Counter::pcp_refused);
  return write_error(exchange.request, result, {lifetime, epoch(exchange.now)}, exchange.room);
}

std::span<const std::uint8_t> Server::granted(const MapRequest& map, const net::Endpoint& external,
                                              std::uint32_t lifetime, const Exchange& exchange) const {
  return write_map(map, external, {lifetime, epoch(exchange.now)}, exchange.room);
}

std::span<const std::uint8_t> Server::receive(std::span<const std::uint8_t> bytes, const Client& client,
                                              Instant now, Room room) {
  const Exchange exchange{bytes, client, now, room};
  const auto read = read_request(bytes);
  if (std::holds_alternative<NoRequest>(read)) {
    counters_.add(Counter::pcp_ignored);
    return {};
  }
  counters_.add(Counter::pcp_requests);
  if (const auto* error = std::get_if<Result>(&read)) return refuse(*error, exchange);
  const auto& request = std::get<Request>(read);
  // Section 8.2: there is another NAT on the way, of which the client has to know.
  if (request.client != client.endpoint.address) return refuse(Result::address_mismatch, exchange);
  if (const auto* wanted = std::get_if<MapRequest>(&request.what)) return map(request, *wanted, exchange);
  return write_announce(epoch(now), room);
}

std::span<const std::uint8_t> Server::map(const Request& request, const MapRequest& map,
                                          const Exchange& exchange) {
  if (request.lifetime == 0) return remove(map, exchange);
  const auto protocol = static_cast<net::Protocol>(map.protocol);
  // Section 11.1: all protocols, or all ports, would be the whole of an external address.
  if ((protocol != net::Protocol::tcp && protocol != net::Protocol::udp) || map.internal_port == 0)
    return refuse(Result::unsupp_protocol, exchange);
  const net::IpAddress& host = exchange.client.endpoint.address;
  const auto family = mapper_.family_for(host, map.suggested.address.family());
  if (!family) return refuse(Result::not_authorized, exchange);
  const bool wanted_family = *family == map.suggested.address.family();
  if (map.prefer_failure && !wanted_family) return refuse(Result::cannot_provide_external, exchange);

  const LeaseKey key{host, protocol, map.internal_port, *family};
  if (const auto fixed = mapper_.fixed(key)) {
    return map.prefer_failure && !is_as_suggested(map.suggested, *fixed)
               ? refuse(Result::cannot_provide_external, exchange)
               : granted(map, *fixed, lifetime_of_fixed, exchange);
  }
  const std::uint32_t lifetime = lifetime_of(request.lifetime);
  Lease* lease = leases_.find(key);
  if (lease != nullptr && lease->state != Lease::State::resting)
    return renew(*lease, key, request, map, exchange);
  if (lease != nullptr && lease->end <= exchange.now) {
    // It is due to be let go of, and may be so by a change of the realm: the host gets another one.
    if (!mapper_.release(key)) return refuse(Result::no_resources, exchange);
    leases_.erase(key);
    lease = nullptr;
  }
  if (lease == nullptr) {
    switch (leases_.room_for(host)) {
      case LeaseBook::Room::host_full:
        return refuse(Result::user_ex_quota, exchange);
      case LeaseBook::Room::full:
        return refuse(Result::no_resources, exchange);
      case LeaseBook::Room::yes:
        break;
    }
  }
  Wish wish{key, {}, map.prefer_failure};
  wish.suggested.port = map.suggested.port;
  if (wanted_family) wish.suggested.address = map.suggested.address;
  if (!mapper_.ask(++last_ticket_, wish)) return refuse(Result::no_resources, exchange);
  const bool rested = lease != nullptr;
  if (!rested) {
    leases_.add(key, map.nonce);
  } else {
    lease->nonce = map.nonce;
    leases_.set(key, Lease::State::asked, {});
  }
  waiting_.emplace(
      last_ticket_,
      Waiting{
          key, exchange.client, map, lifetime, rested, {exchange.request.begin(), exchange.request.end()}});
  return {};
}

// Section 11.3: there is one already.
std::span<const std::uint8_t> Server::renew(Lease& lease, const LeaseKey& key, const Request& request,
                                            const MapRequest& map, const Exchange& exchange) {
  const bool waits = lease.state == Lease::State::asked;
  if (lease.nonce != map.nonce) {
    const std::uint32_t lifetime =
        waits ? error_lifetime(Result::no_resources) : seconds_left(lease.end, exchange.now);
    return refuse(Result::not_authorized, lifetime, exchange);
  }
  if (waits) return {};  // a repetition; the first one is answered
  if (map.prefer_failure && !is_as_suggested(map.suggested, lease.external))
    return refuse(Result::cannot_provide_external, exchange);
  const std::uint32_t lifetime = lifetime_of(request.lifetime);
  leases_.set(key, Lease::State::open, exchange.now + std::chrono::seconds{lifetime});
  counters_.add(Counter::pcp_renewed);
  return granted(map, lease.external, lifetime, exchange);
}

// Section 15.1: what there is not is deleted as well as what there was.
std::span<const std::uint8_t> Server::remove(const MapRequest& map, const Exchange& exchange) {
  const auto protocol = static_cast<net::Protocol>(map.protocol);
  const bool any_port = protocol == net::Protocol::any || map.internal_port == 0;
  const net::IpAddress& host = exchange.client.endpoint.address;
  std::optional<net::Family> family;
  if (!any_port) {
    family = mapper_.family_for(host, map.suggested.address.family());
    if (family && mapper_.fixed({host, protocol, map.internal_port, *family}))
      return refuse(Result::not_authorized, exchange);
  }
  bool own = false, others = false;
  std::uint32_t left = 0;
  for (const LeaseKey& key : leases_.of_host(host, protocol)) {
    if (!any_port && (key.port != map.internal_port || key.outside != family)) continue;
    const Lease& lease = *leases_.find(key);
    if (lease.state == Lease::State::resting) continue;
    if (lease.nonce != map.nonce) {
      others = true;
      left = std::max(left, seconds_left(lease.end, exchange.now));
      continue;
    }
    if (lease.state == Lease::State::asked) return {};  // it is asked for once more when it stands
    own = true;
    if (!end(key, exchange.now)) return refuse(Result::no_resources, exchange);
    counters_.add(Counter::pcp_deleted);
  }
  if (others && !own) return refuse(Result::not_authorized, std::max(left, 1U), exchange);
  return granted(map, map.suggested, 0, exchange);
}

bool Server::end(const LeaseKey& key, Instant now) {
  if (!mapper_.close(key)) return false;
  leases_.set(key, Lease::State::resting, now + rest);
  return true;
}

std::optional<Server::Response> Server::answer(Ticket ticket, const Answer& answer, Instant now, Room room) {
  const auto found = waiting_.extract(ticket);
  if (found.empty()) return std::nullopt;
  const Waiting& waiting = found.mapped();
  const Exchange exchange{waiting.bytes, waiting.client, now, room};
  if (!answer.external) {
    waiting.rested ? leases_.set(waiting.key, Lease::State::resting, now + rest) : leases_.erase(waiting.key);
    return Response{waiting.client, refuse(answer.why, exchange)};
  }
  leases_.find(waiting.key)->external = *answer.external;
  leases_.set(waiting.key, Lease::State::open, now + std::chrono::seconds{waiting.lifetime});
  counters_.add(Counter::pcp_mapped);
  return Response{waiting.client, granted(waiting.request, *answer.external, waiting.lifetime, exchange)};
}

bool Server::change(const Limits& limits,
                    const std::function<bool(const LeaseKey&, const net::Endpoint& external)>& stands,
                    Instant now) {
  limits_ = limits;
  leases_.limit(limits.leases);
  std::vector<LeaseKey> lost;
  for (const auto& [key, lease] : leases_.all()) {
    if (lease.state != Lease::State::asked && !stands(key, lease.external)) lost.push_back(key);
  }
  bool counted_on = false;  // what rests was over before
  for (const auto& key : lost) {
    counted_on |= leases_.find(key)->state == Lease::State::open;
    leases_.set(key, Lease::State::resting, now);  // and no longer
  }
  if (!counted_on) return false;
  started_ = now;
  return true;
}

void Server::tick(Instant now) {
  for (unsigned n = 0; n < ends_per_turn; ++n) {
    const auto key = leases_.due(now);
    if (!key) return;
    if (leases_.find(*key)->state == Lease::State::resting) {
      if (!mapper_.release(*key)) return;
      leases_.erase(*key);
    } else {
      if (!end(*key, now)) return;
      counters_.add(Counter::pcp_expired);
    }
  }
}

}  // namespace rgw::pcp
