#include "realmgw/control/guard_service.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sys/random.h>
#include <system_error>
#include <utility>
#include <vector>

namespace rgw::control {
namespace {

using nlohmann::ordered_json;

SipKey draw() {
  SipKey key;
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    throw std::system_error{errno, std::generic_category(), "no secret for DNS cookies and aliases"};
  return key;
}

guard::PoolLoad load_of(const pool::CircularPool& pool, net::Family family) {
  const auto addresses = pool.use().families[static_cast<std::size_t>(family)];
  return {.addresses = addresses.all, .carrying = addresses.carrying, .unproven = addresses.unproven};
}

guard::Fate fate_of(pool::End why) {
  switch (why) {
    case pool::End::claimed:
      return guard::Fate::used;
    case pool::End::expired:
      return guard::Fate::expired;
    case pool::End::displaced:
      return guard::Fate::displaced;
    case pool::End::narrowed:
    case pool::End::removed:
      break;
  }
  return guard::Fate::withdrawn;
}

std::string_view name_of(Challenge challenge) {
  switch (challenge) {
    case Challenge::load:
      return "load";
    case Challenge::always:
      return "always";
    case Challenge::never:
      break;
  }
  return "never";
}

}  // namespace

GuardService::GuardService(const config::Guard& guard, const HashSalt& salt, Instant now,
                           CounterBlock& counters)
    : counters_{counters},
      drawn_{draw()},
      aliases_{draw()},
      guard_{guard},
      ladder_{ladder_config(guard), salt},
      balance_{{}, salt, now} {
  make_cookies(guard);
}

guard::LadderConfig GuardService::ladder_config(const config::Guard& guard) {
  return {guard.challenge, guard.proven_pending, guard.unproven_pending, guard.host_pending, guard.alias};
}

void GuardService::make_cookies(const config::Guard& guard) {
  auto secrets = guard.cookie_secrets;
  if (secrets.empty()) secrets.push_back(drawn_);
  cookies_ = std::make_shared<const dns::ServerCookies>(
      std::move(secrets), [] { return static_cast<std::uint32_t>(std::time(nullptr)); });
}

void GuardService::change(const config::Guard& guard) {
  guard_ = guard;
  ladder_.change(ladder_config(guard));
  make_cookies(guard);
}

guard::Finding GuardService::judge(const pool::Request& request, const Proof& proof,
                                   const pool::CircularPool& pool, Instant now) {
  guard::PoolLoad load = load_of(pool, request.family);
  load.of_host = pool.reservations_of(request.host);
  // What is held without proof yields to him, so it makes the pool no fuller.
  if (request.proven) load.carrying -= std::min(load.carrying, load.unproven);
  const auto finding = ladder_.judge({.source = request.source.address,
                                      .proven = request.proven,
                                      .by_alias = proof.by_alias,
                                      .knows_cookies = proof.knows_cookies,
                                      .host = request.host,
                                      .plain = request.service.is_any(),
                                      .joins = pool.joins(request),
                                      .joins_what_yields = pool.joins_what_yields(request, now)},
                                     load, now);
  if (finding == guard::Finding::over_quota) counters_.add(Counter::dns_over_quota);
  if (finding == guard::Finding::distrusted) counters_.add(Counter::dns_distrusted);
  return finding;
}

bool GuardService::proves(const guard::Alias& alias, const net::IpAddress& source, Instant now) {
  if (!aliases_.proves(alias, guard::AskerPrefix{source}, now)) return false;
  counters_.add(Counter::dns_alias_returned);
  return true;
}

void GuardService::claim_ended(const pool::ClaimNews& news, pool::End why) {
  ladder_.claim_ended(news.source, news.proven, news.host, news.family, fate_of(why), news.at);
}

std::span<const std::uint8_t> GuardService::balanced(std::span<const std::uint8_t> query,
                                                     const dns::Answered& answer, const dns::Client& client,
                                                     Instant now, std::span<std::uint8_t> room) {
  if (answer.proven || client.view == dns::View::inside || !guard_.balance) return answer.bytes;
  const guard::AskerPrefix prefix{client.source.address};
  balance_.received(prefix, query.size(), now);
  if (balance_.pay(prefix, answer.bytes.size(), now)) return answer.bytes;
  counters_.add(Counter::dns_unbalanced);
  const auto word = dns::come_by_tcp(query, room);
  return !word.empty() && balance_.pay_for_word(prefix, word.size()) ? word : std::span<const std::uint8_t>{};
}

std::string GuardService::report(const pool::CircularPool& pool, const CountOf& count, Instant now) {
  ordered_json families = ordered_json::object();
  for (const auto family : {net::Family::v4, net::Family::v6}) {
    const auto load = load_of(pool, family);
    families[std::string{net::name(family)}] = {{"addresses", load.addresses},
                                                {"carrying", load.carrying},
                                                {"unproven", load.unproven},
                                                {"calm", ladder_.is_calm(load, now)}};
  }
  const auto rate = [&](std::uint32_t limit, Counter dropped) {
    return ordered_json{{"limit", limit}, {"dropped", count(dropped)}};
  };
  const ordered_json json = {{"challenge", name_of(guard_.challenge)},
                             {"balance", guard_.balance},
                             {"alias", guard_.alias},
                             {"unproven_claims", ladder_.unproven_claims()},
                             {"prefixes", ladder_.prefixes()},
                             {"displaced", count(Counter::pool_displaced)},
                             {"aliases_given", count(Counter::dns_aliased)},
                             {"aliases_returned", count(Counter::dns_alias_returned)},
                             {"bound", count(Counter::dns_bound)},
                             {"pool", std::move(families)},
                             {"rates",
                              {{"queries of a prefix", rate(guard_.query_rate, Counter::query_rate)},
                               {"flows from a prefix", rate(guard_.flow_rate, Counter::flow_rate)},
                               {"flows to a host", rate(guard_.host_flow_rate, Counter::host_flow_rate)}}}};
  return json.dump();
}

}  // namespace rgw::control
