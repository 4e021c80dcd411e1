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

net::IpAddress address_of(HostId host) {
  return net::Ipv4Address{be32{0x0a000000 + host.value()}};
}

/// Where a SYN comes to. To a plain name a client connects by some port.
nat::BindingTable::At place_of(const net::IpAddress& to, const Arrival& who) {
  return {to, net::Protocol::tcp, who.service.is_any() ? std::uint16_t{22} : who.service.port};
}

}  // namespace

RealmModel::RealmModel(const config::Guard& guard, bool share, std::uint32_t addresses)
    : salt_{fixed_salt()},
      guard_{guard, salt_, now_, counters_},
      guarded_{guard_.challenges()},
      config_{pool_config(share, addresses)},
      pool_{config_, salt_, *this, counters_},
      bindings_{static_cast<std::uint32_t>(config_.max_claims), salt_} {}

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
    switch (event.what) {
      case Event::What::question:
        ask(event);
        break;
      case Event::What::syn:
        connect(event);
        break;
      case Event::What::ack:
        complete(event);
        break;
      case Event::What::silence:
        bindings_.give_up(event.pledge, place_of(event.to, event.who));
        break;
    }
    bindings_.sweep(now_);
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
  static_cast<void>(bindings_.bind(binding.external, binding.service, binding.reservation, binding.claim,
                                   address_of(binding.host), binding.deadline, binding.client));
}

/// GUARD-5: the SYN pledges a claim. Where there is no place in line, whoever is there answers the question,
/// and sends his SYN once more, as Linux does.
void RealmModel::connect(const Event& event) {
  constexpr std::chrono::milliseconds resent{10}, time{6000};
  const bool forged = event.who.kind == Kind::spoofed_data;
  const auto at = place_of(event.to, event.who);
  const auto match = bindings_.match(at.external, at.protocol, at.port, event.who.source, now_);
  if (!match.found) return;
  const auto pledge = bindings_.pledge(*match.found, event.who.source, 0, event.proven, now_);
  if (!pledge) {
    if (forged || event.proven) return;
    return schedule({.at = now_ + 2 * one_way + resent,
                     .what = Event::What::syn,
                     .who = event.who,
                     .proven = true,
                     .to = event.to});
  }
  // The host answers at once.
  schedule({.at = forged ? now_ + time : now_ + 2 * one_way,
            .what = forged ? Event::What::silence : Event::What::ack,
            .who = event.who,
            .to = event.to,
            .pledge = *pledge,
            .inside = match.found->inside});
}

/// POOL-5: the handshake is complete, and takes the claim where that is still to be had.
void RealmModel::complete(const Event& event) {
  const auto at = place_of(event.to, event.who);
  if (!bindings_.pledges().stands(event.pledge)) return bindings_.give_up(event.pledge, at);
  const auto claim = bindings_.redeem(event.pledge, at, event.inside, now_);
  static_cast<void>(pool_.claimed(claim.reservation, claim.claim, now_));
  if (!is_honest(event.who)) {
    ++result_.taken;
    return;
  }
  event.inside == address_of(HostId{event.who.host}) ? ++result_.first_attempt : ++result_.wrong_host;
}

}  // namespace rgw::policies
