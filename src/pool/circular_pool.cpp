#include "realmgw/pool/circular_pool.hpp"

#include <cstring>
#include <iterator>
#include <stdexcept>

namespace rgw::pool {
namespace {

using How = Granted::How;

const PoolConfig& checked(const PoolConfig& config) {
  constexpr auto most = SlotMap<int, Ticket>::max_capacity;
  if (config.hold <= Duration::zero())
    throw std::invalid_argument{"the pool must hold a reservation for some time"};
  if (config.rest < Duration::zero() || config.wait < Duration::zero() || config.walk < Duration::zero()) {
    throw std::invalid_argument{"a duration of the pool is negative"};
  }
  if (config.max_claims == 0 || config.max_claims > most || config.wait_queue > most ||
      config.max_live == 0 || config.max_live > most) {
    throw std::invalid_argument{"a bound of the pool is out of range"};
  }
  return config;
}

std::vector<net::IpAddress> of_family(const std::vector<net::IpAddress>& all, net::Family family) {
  std::vector<net::IpAddress> addresses;
  std::ranges::copy_if(all, std::back_inserter(addresses),
                       [&](const net::IpAddress& address) { return address.family() == family; });
  return addresses;
}

std::unique_ptr<AddressRing> make_ring(const PoolConfig& config, net::Family family, const HashSalt& salt) {
  auto addresses = of_family(config.addresses, family);
  const auto room =
      addresses.empty() ? AddressRing::Room{1, 1} : AddressRing::Room{config.max_claims, config.max_live};
  return std::make_unique<AddressRing>(std::move(addresses), config.blocked, config.rest, room, salt);
}

}  // namespace

CircularPool::CircularPool(PoolConfig config, const HashSalt& salt, PoolListener& listener,
                           CounterBlock& counters)
    : config_{checked(config)},
      listener_{listener},
      counters_{counters},
      rings_{make_ring(config_, net::Family::v4, salt), make_ring(config_, net::Family::v6, salt)},
      reservations_{config_.max_claims},
      claims_{config_.max_claims},
      waiters_{config_.wait_queue},
      sibling_links_(config_.max_claims),
      deadline_links_(config_.max_claims),
      waiter_links_(config_.wait_queue),
      unproven_links_(config_.max_claims),
      salt_{salt},
      pending_{config_.max_claims},
      queries_{config_.max_claims + config_.wait_queue},
      walkers_{salt},
      of_host_{config_.max_claims, salt} {}

// ---- queries

bool CircularPool::offers(net::Family family, net::Service service) const {
  const auto kept = canonical(service);
  return kept && ring(family).allows(*kept);
}

Outcome CircularPool::reserve(const Request& asked_for, Instant now) {
  now = tick(now);
  const auto service = canonical(asked_for.service);
  if (!service) {
    expire(now);
    counters_.add(Counter::pool_exhausted);
    return Exhausted{};
  }
  Request request = asked_for;
  request.service = *service;

  const QueryKey key = query_key(request);
  const Asked asked{request, key, hash_of(key, salt_)};
  prefetch(asked);
  expire(now);
  if (const auto place = find_query(key, asked.hash)) return repeat(*place);
  note_walk(request, now);
  if (const auto granted = grant(asked, now, now)) {
    serve_waiting(now);
    return *granted;
  }
  if (const auto granted = displace_and_grant(asked, now, now)) {
    serve_waiting(now);
    return *granted;
  }
  return wait(asked, now);
}

/// What a grant looks at lies in tables larger than the caches: it is asked for at once, not in turn.
void CircularPool::prefetch(const Asked& asked) const {
  const Request& request = asked.request;
  queries_.prefetch(asked.hash);
  pending_.prefetch(hash_of(share_key(request), salt_));
  if (!request.service.is_any())
    pending_.prefetch(hash_of(share_key(request.host, request.family, {}), salt_));
  ring(request.family).prefetch(request.service);
  claims_.prefetch_next();
  reservations_.prefetch_next();
}

Outcome CircularPool::repeat(const QueryPlace& place) const {
  if (place.waits) return Waiting{waiters_.id(place.slot), waiters_[place.slot].until, true};
  return Granted{How::retransmitted, binding(place.slot)};
}

std::optional<CircularPool::QueryPlace> CircularPool::find_query(const QueryKey& key,
                                                                 std::uint64_t hash) const {
  const auto* const number =
      queries_.find(hash, [&](std::uint32_t candidate) { return query_at(QueryPlace{candidate}) == key; });
  return number == nullptr ? std::nullopt : std::optional{QueryPlace{*number}};
}

void CircularPool::remember_query(const QueryKey& key, std::uint64_t hash, const QueryPlace& place) {
  auto* const number =
      queries_.find(hash, [&](std::uint32_t candidate) { return query_at(QueryPlace{candidate}) == key; });
  if (number != nullptr) {
    *number = place.number();
  } else {
    (void)queries_.insert(hash, place.number());
  }
}

const CircularPool::Slot* CircularPool::find_pending(const ShareKey& key) const {
  return pending_.find(hash_of(key, salt_), [&](Slot candidate) { return share_key(candidate) == key; });
}

void CircularPool::remember_pending(const ShareKey& key, Slot reservation) {
  const auto hash = hash_of(key, salt_);
  if (auto* const latest = pending_.find(hash, [&](Slot candidate) { return share_key(candidate) == key; })) {
    *latest = reservation;
  } else {
    (void)pending_.insert(hash, reservation);  // without an entry it is shared with nobody, no more
  }
}

std::optional<Granted> CircularPool::grant(const Asked& asked, Instant when, Instant now) {
  const Request& request = asked.request;
  const Slot walk = walked(request, when);
  if (const Slot reservation = shareable(request); reservation != none && !claims_.full()) {
    const auto granted = add_claim(reservation, asked, How::shared, now);
    counters_.add(Counter::pool_shared);
    if (walk != none) end_claim(walk, End::narrowed, now);
    return granted;
  }

  // A wide claim that stands alone gives its place up to the narrow one. Among others it is withdrawn, and
  // they keep the address.
  const bool replaces = is_sole(walk);
  if (claims_.full() && !replaces) return std::nullopt;
  auto& addresses = ring(request.family);
  const auto own =
      replaces ? std::optional{reservations_[claims_[walk].reservation].address} : beside(request);
  const auto address = addresses.choose(request.service, request.host, own, now);
  if (!address) return std::nullopt;
  if (replaces) end_claim(walk, End::narrowed, now);
  const bool carries = addresses.carries(*address);
  const Slot reservation = open(request, *address);
  if (reservation == none) return std::nullopt;
  if (!carries && !request.proven) {
    reservations_[reservation].unproven_fresh = true;
    ++unproven_[static_cast<std::size_t>(request.family)];
  }
  const auto how = walk != none ? How::narrowed : carries ? How::overloaded : How::fresh;
  const auto granted = add_claim(reservation, asked, how, now);
  if (walk != none && !replaces) end_claim(walk, End::narrowed, now);
  if (walk != none) freed_.push_back({request.family, *address, true});
  return granted;
}

/// The address of a reservation of the same host that covers the service: a packet comes to that host by
/// either, so they do not conflict (POOL-3).
std::optional<AddressSlot> CircularPool::beside(const Request& request) const {
  if (!config_.share) return std::nullopt;
  for (const net::Service& wider : {net::Service{request.service.protocol, 0}, net::Service{}}) {
    if (wider == request.service || request.service.is_any()) continue;
    if (const auto* const found = find_pending(share_key(request.host, request.family, wider)))
      return reservations_[*found].address;
  }
  return std::nullopt;
}

bool CircularPool::fits_beside(const Request& request) const {
  const auto own = beside(request);
  return own && ring(request.family).fits_beside(*own, request.service);
}

/// POOL-9: the reservation that the query may join, or `none`.
CircularPool::Slot CircularPool::shareable(const Request& request) const {
  if (!config_.share) return none;
  const auto* const found = find_pending(share_key(request));
  return found != nullptr && reservations_[*found].claims.size() < max_shared ? *found : none;
}

/// POOL-10: the wide claim that the same resolver made just before `asked`, on its way to this name (RFC
/// 9156), or `none`. Where another of its clients may have meant the host itself, both claims stand.
CircularPool::Slot CircularPool::walked(const Request& request, Instant asked) const {
  return walkers_.knows(request.source.address) ? asked_before(request, asked) : none;
}

/// The wide claim that the same resolver made just before `asked`, or `none`. Without sharing, several wide
/// reservations may stand for one host: the latest is looked at.
CircularPool::Slot CircularPool::asked_before(const Request& request, Instant asked) const {
  if (request.service.is_any()) return none;
  const auto* const wide = find_pending(share_key(request.host, request.family, {}));
  if (wide == nullptr) return none;
  const auto& source = request.source.address;
  for (Slot claim = reservations_[*wide].claims.last(); claim != none;
       claim = sibling_links_[claim].previous) {
    const auto& earlier = claims_[claim];
    if (earlier.made + config_.walk < asked) return none;
    if (earlier.made <= asked && earlier.query.source_family == static_cast<std::uint8_t>(source.family()) &&
        std::memcmp(earlier.query.source_address.data(), source.data(), source.size()) == 0)
      return claim;
  }
  return none;
}

void CircularPool::note_walk(const Request& request, Instant now) {
  if (request.service.is_any()) return;
  // On the way to a AAAA record a resolver may ask for the A record of the host (RFC 9156 section 2.1).
  Request other = request;
  other.family = request.family == net::Family::v4 ? net::Family::v6 : net::Family::v4;
  walkers_.note(request.source.address,
                asked_before(request, now) != none || asked_before(other, now) != none);
}

bool CircularPool::joins(const Request& asked_for) const {
  const auto service = canonical(asked_for.service);
  if (!service) return false;
  Request request = asked_for;
  request.service = *service;
  const QueryKey key = query_key(request);
  return shareable(request) != none || find_query(key, hash_of(key, salt_)).has_value();
}

// ---- reservations and claims

CircularPool::Slot CircularPool::open(const Request& request, AddressSlot address) {
  if (!ring(request.family).take(address, request.service)) return none;
  const Slot slot = reservations_.insert({.address = address,
                                          .family = request.family,
                                          .service = request.service,
                                          .host = request.host,
                                          .unproven = !request.proven,
                                          .made = latest_,
                                          .promised_until = Instant::min(),
                                          .claims = {}});
  remember_pending(share_key(request), slot);
  if (std::uint32_t* const count = of_host_.find(request.host.value())) {
    ++*count;
  } else {
    static_cast<void>(of_host_.insert(request.host.value(), 1U));  // there is room for each reservation
  }
  counters_.add(Counter::pool_reserved);
  return slot;
}

Granted CircularPool::add_claim(Slot reservation, const Asked& asked, How how, Instant now) {
  auto& owner = reservations_[reservation];
  if (owner.unproven) asked.request.proven ? forget_unproven(reservation) : keep_unproven(reservation, now);
  // In the order of their deadlines, though `hold` have become shorter.
  const auto last = by_deadline_.last();
  const auto deadline = std::max(now + config_.hold, last == none ? Instant::min() : claims_[last].deadline);
  const Slot claim = claims_.insert({reservation, owner.next_claim++, asked.request.proven, now, deadline,
                                     asked.hash, asked.key, asked.request.client});
  owner.claims.push_back(sibling_links_, claim);
  owner.promised_until = deadline;
  by_deadline_.push_back(deadline_links_, claim);
  remember_query(asked.key, asked.hash, {claim, false});
  listener_.bind(binding(claim));
  listener_.claim_began(news(claims_[claim]));
  return {how, binding(claim)};
}

void CircularPool::drop_claim(Slot claim, End why) {
  const auto& record = claims_[claim];
  listener_.claim_ended(news(record), why);
  queries_.erase(record.query_hash, QueryPlace{claim, false}.number());
  by_deadline_.erase(deadline_links_, claim);
  reservations_[record.reservation].claims.erase(sibling_links_, claim);
  claims_.erase(claim);
}

void CircularPool::end_claim(Slot claim, End why, Instant now) {
  const Slot reservation = claims_[claim].reservation;
  if (why == End::claimed) {
    counters_.add(Counter::pool_claimed);
    service_times_.add(now - claims_[claim].made);
  }
  if (why == End::expired) counters_.add(Counter::pool_expired);
  if (why == End::narrowed) counters_.add(Counter::pool_narrowed);
  drop_claim(claim, why);
  const auto& owner = reservations_[reservation];
  if (owner.claims.empty()) return close(reservation, why, now);
  // One more has room in it now, or the claim that is left may be that of a walk.
  if (owner.claims.size() + 1 == max_shared || owner.claims.size() == 1) {
    freed_.push_back({owner.family, owner.address, true});
  }
}

void CircularPool::close(Slot reservation, End why, Instant now) {
  const auto& record = reservations_[reservation];
  while (!record.claims.empty()) drop_claim(record.claims.first(), why);
  if (record.unproven) forget_unproven(reservation);
  if (std::uint32_t* const count = of_host_.find(record.host.value()); --*count == 0)
    of_host_.erase(record.host.value());
  listener_.unbind(reservations_.id(reservation), ring(record.family)[record.address], record.service, why);
  ring(record.family).release(record.address, record.service, rests_from(record, now));
  pending_.erase(hash_of(share_key(reservation), salt_), reservation);
  freed_.push_back({record.family, record.address, false});
  reservations_.erase(reservation);
}

/// Claims of one reservation are not bound to who asked, so one client may take another's, whose packet is
/// then still to come: where there were several, the rest begins when all of their promises have ended.
Instant CircularPool::rests_from(const Reservation& record, Instant now) {
  return record.next_claim > 1 ? std::max(now, record.promised_until) : now;
}

bool CircularPool::claimed(ReservationId reservation, std::uint32_t number, Instant now) {
  now = tick(now);
  const Slot slot = reservations_.find(reservation);
  if (slot == none) return false;
  for (Slot claim = reservations_[slot].claims.first(); claim != none; claim = sibling_links_[claim].next) {
    if (claims_[claim].number != number) continue;
    end_claim(claim, End::claimed, now);
    serve_waiting(now);
    return true;
  }
  return false;
}

void CircularPool::session_began(const net::IpAddress& external, const net::Service& service, HostId host) {
  if (const auto kept = canonical(service)) ring(external.family()).began(external, *kept, host);
}

void CircularPool::session_ended(const net::IpAddress& external, const net::Service& service, HostId host,
                                 Instant now) {
  now = tick(now);
  if (const auto kept = canonical(service)) ring(external.family()).ended(external, *kept, host, now);
}

bool CircularPool::room_for(const PoolConfig& config) const {
  return std::ranges::all_of(std::array{net::Family::v4, net::Family::v6}, [&](net::Family family) {
    return ring(family).room_for(of_family(config.addresses, family), config.blocked);
  });
}

void CircularPool::change(const PoolConfig& config, Instant now) {
  now = tick(now);
  config_.addresses = config.addresses;
  config_.blocked = config.blocked;
  config_.hold = config.hold;
  config_.rest = config.rest;
  config_.wait = config.wait;
  config_.share = config.share;
  for (const auto family : {net::Family::v4, net::Family::v6}) {
    // One that has never had an address is too small for any.
    if (auto& whole = rings_[static_cast<std::size_t>(family)]; whole->never_used()) {
      whole = make_ring(config_, family, salt_);  // nobody waits for what was never offered
    } else {
      whole->change(of_family(config.addresses, family), config.blocked, config.rest, now);
    }
  }
  reservations_.for_each([&](Slot reservation, const Reservation& record) {
    if (!ring(record.family).in_use(record.address)) close(reservation, End::removed, now);
  });
  waiters_.for_each([&](Slot, Waiter& record) { record.until = std::min(record.until, now + config_.wait); });
  serve_each(now);
  serve_waiting(now);
}

void CircularPool::remove_host(HostId host, Instant now) {
  now = tick(now);
  waiters_.for_each([&](Slot waiter, const Waiter& record) {
    if (record.request.host == host) give_up(waiter);
  });
  reservations_.for_each([&](Slot reservation, const Reservation& record) {
    if (record.host == host) close(reservation, End::removed, now);
  });
  serve_waiting(now);
}

// ---- time

void CircularPool::expire(Instant now) {
  now = tick(now);
  for (;;) {
    const auto claim = by_deadline_.first();
    const auto waiter = waiting_.first();
    const auto claim_due = claim == none ? Instant::max() : claims_[claim].deadline;
    const auto waiter_due = waiter == none ? Instant::max() : waiters_[waiter].until;
    const auto firm_until =
        firm_.empty() ? Instant::max() : reservations_[firm_.first()].joined + config_.yields_after;
    if (std::min({claim_due, waiter_due, firm_until}) > now) return;
    if (firm_until < std::min(claim_due, waiter_due)) {
      begin_to_yield(firm_.first(), now);
    } else if (claim_due <= waiter_due) {
      end_claim(claim, End::expired, claim_due);
      serve_waiting(now);
    } else {
      give_up(waiter);
    }
  }
}

std::optional<Instant> CircularPool::next_deadline() const {
  auto next = Instant::max();
  if (!by_deadline_.empty()) next = std::min(next, claims_[by_deadline_.first()].deadline);
  if (!waiting_.empty()) {
    next = std::min(next, waiters_[waiting_.first()].until);
    if (!firm_.empty()) next = std::min(next, reservations_[firm_.first()].joined + config_.yields_after);
  }
  if (next == Instant::max()) return std::nullopt;
  return next;
}

// ---- views

CircularPool::QueryKey CircularPool::query_key(const Request& request) {
  QueryKey key{};
  std::memcpy(key.source_address.data(), request.source.address.data(), request.source.address.size());
  key.host = request.host.value();
  key.source_port = request.source.port;
  key.query_id = request.query_id;
  key.service_port = request.service.port;
  key.source_family = static_cast<std::uint8_t>(request.source.address.family());
  key.family = static_cast<std::uint8_t>(request.family);
  key.protocol = static_cast<std::uint8_t>(request.service.protocol);
  return key;
}

CircularPool::ShareKey CircularPool::share_key(Slot reservation) const {
  const auto& record = reservations_[reservation];
  return share_key(record.host, record.family, record.service);
}

CircularPool::ShareKey CircularPool::share_key(HostId host, net::Family family, const net::Service& service) {
  return {host.value(), service.port, static_cast<std::uint8_t>(family),
          static_cast<std::uint8_t>(service.protocol)};
}

ClaimNews CircularPool::news(const Claim& claim) const {
  const auto& owner = reservations_[claim.reservation];
  const auto& bytes = claim.query.source_address;
  const bool v4 = claim.query.source_family == static_cast<std::uint8_t>(net::Family::v4);
  return {reservations_.id(claim.reservation),
          claim.number,
          v4 ? net::IpAddress{net::Ipv4Address{bytes[0], bytes[1], bytes[2], bytes[3]}}
             : net::IpAddress{net::Ipv6Address::from_bytes(bytes.data())},
          owner.host,
          owner.family,
          claim.proven,
          latest_};
}

Binding CircularPool::binding(Slot claim) const {
  const auto& record = claims_[claim];
  const auto& owner = reservations_[record.reservation];
  return {reservations_.id(record.reservation),
          record.number,
          ring(owner.family)[owner.address],
          owner.service,
          owner.host,
          record.deadline,
          record.client};
}

CircularPool::View CircularPool::view(Slot reservation) const {
  const auto& record = reservations_[reservation];
  return {reservations_.id(reservation), ring(record.family)[record.address],   record.service, record.host,
          record.claims.size(),          claims_[record.claims.last()].deadline};
}

PoolUse CircularPool::use() const {
  PoolUse use;
  for (std::size_t family = 0; family < rings_.size(); ++family) {
    use.families[family] = {rings_[family]->size(), rings_[family]->carrying_count(), unproven_[family]};
  }
  use.reservations = reservations_.size();
  use.claims = claims_.size();
  use.max_claims = config_.max_claims;
  use.waiting = waiters_.size();
  use.max_waiting = config_.wait_queue;
  return use;
}

}  // namespace rgw::pool
