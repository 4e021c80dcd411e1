#include "tests/policies/realm_model.hpp"

#include <algorithm>

namespace rgw::policies {
namespace {

HashSalt fixed_salt() {
  Random random{1};
  return HashSalt{random};
}

pool::PoolConfig pool_config(bool share, std::uint32_t addresses) {
  pool::PoolConfig config;
  for (std::uint32_t i = 0; i < addresses; ++i)
    config.addresses.emplace_back(net::Ipv4Address{be32{0xc6336400 + 10 + i}});
  config.share = share;
  return config;
}

bool is_honest(const Arrival& arrival) {
  return arrival.kind == Kind::honest;
}

}  // namespace

RealmModel::RealmModel(const config::Guard& guard, bool share, std::uint32_t addresses)
    : salt_{fixed_salt()},
      guard_{guard, salt_, now_, counters_},
      guarded_{guard_.challenges()},
      config_{pool_config(share, addresses)},
      pool_{config_, salt_, *this, counters_} {}

Result RealmModel::run(const std::vector<Arrival>& arrivals) {
  for (const Arrival& arrival : arrivals) {
    const bool asks = arrival.kind != Kind::data_only && arrival.kind != Kind::spoofed_data;
    // A resolver that knows cookies has one: it has asked within the hour.
    schedule({.at = arrival.at,
              .what = asks ? Event::What::question : Event::What::syn,
              .who = arrival,
              .proven = arrival.proof == Proof::cookie,
              .to = asks ? net::IpAddress{} : config_.addresses[arrival.address]});
    if (is_honest(arrival)) ++result_.honest;
  }
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    pool_.expire(now_);
    event.what == Event::What::question ? ask(event) : connect(event);
    result_.most_without_proof = std::max(result_.most_without_proof, pool_.use().families[0].unproven);
  }
  return result_;
}

void RealmModel::schedule(Event event) {
  event.order = order_++;
  events_.push(std::move(event));
}

void RealmModel::ask(const Event& event) {
  const Arrival& who = event.who;
  const pool::Request request{HostId{who.host},   net::Family::v4, who.service,
                              {who.source, 5353}, query_++,        !guarded_ || event.proven};
  if (guarded_) {
    const auto finding =
        guard_.judge(request, {.by_alias = event.proven && who.proof == Proof::none}, pool_, now_);
    if (finding == guard::Finding::to_prove && who.proof == Proof::tcp) {
      // TC back, the handshake, and the question once more.
      schedule({.at = now_ + 4 * one_way, .what = Event::What::question, .who = who, .proven = true});
      return;
    }
    if (finding == guard::Finding::to_alias && (is_honest(who) || who.kind == Kind::query_only)) {
      // Another name back, and the question for it. Who invents his address never hears of it.
      schedule({.at = now_ + 2 * one_way, .what = Event::What::question, .who = who, .proven = true});
      return;
    }
    if (finding != guard::Finding::admitted) return;
  }
  const auto outcome = pool_.reserve(request, now_);
  if (const auto* granted = std::get_if<pool::Granted>(&outcome)) answered(who, granted->binding.external);
  if (const auto* waits = std::get_if<pool::Waiting>(&outcome)) waiting_[waits->ticket.value()] = who;
}

void RealmModel::ready(pool::Ticket ticket, const pool::Granted& granted) {
  const auto found = waiting_.extract(ticket.value());
  if (!found.empty()) answered(found.mapped(), granted.binding.external);
}

/// The answer goes back, and the SYN comes.
void RealmModel::answered(const Arrival& who, const net::IpAddress& address) {
  if (!is_honest(who)) return;
  schedule({.at = now_ + 2 * one_way, .what = Event::What::syn, .who = who, .to = address});
}

void RealmModel::bind(const pool::Binding& binding) {
  auto& pending = pending_[binding.reservation.value()];
  pending.external = binding.external;
  pending.service = binding.service;
  pending.host = binding.host;
  pending.claims.emplace_back(binding.claim, binding.deadline);
}

void RealmModel::connect(const Event& event) {
  const auto& who = event.who;
  // To a plain name a client connects by some port.
  const net::Service service = who.service.is_any() ? net::Service{net::Protocol::tcp, 22} : who.service;
  const auto host = claim(event.to, service);
  if (!is_honest(who)) {
    result_.taken += host.has_value();
    return;
  }
  if (!host) return;
  *host == HostId{who.host} ? ++result_.first_attempt : ++result_.wrong_host;
}

/// POOL-5 and POOL-11: the service's own reservation first, then one of the whole address; its oldest claim.
std::optional<HostId> RealmModel::claim(const net::IpAddress& to, const net::Service& service) {
  for (const bool wide : {false, true}) {
    for (auto& [number, pending] : pending_) {
      if (pending.external != to || pending.service.is_any() != wide || !pending.service.covers(service))
        continue;
      while (!pending.claims.empty() && pending.claims.front().second <= now_) pending.claims.pop_front();
      if (pending.claims.empty()) continue;
      const HostId host = pending.host;
      const std::uint32_t claim = pending.claims.front().first;
      pending.claims.pop_front();
      static_cast<void>(pool_.claimed(ReservationId{number}, claim, now_));
      return host;
    }
  }
  return std::nullopt;
}

}  // namespace rgw::policies
