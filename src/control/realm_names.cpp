#include "realmgw/control/realm_names.hpp"

#include "realmgw/pool/sfqdn.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace rgw::control {

namespace {

std::unordered_map<std::string_view, const config::Host*> by_name(const config::Realm& realm) {
  std::unordered_map<std::string_view, const config::Host*> hosts;
  for (const auto& host : realm.hosts) hosts.emplace(host.name, &host);
  return hosts;
}

}  // namespace

pool::HostNames make_host_names(const config::Realm& realm) {
  pool::HostNames names;
  std::uint32_t next_id = 0;
  change_hosts(names, realm, next_id);
  return names;
}

std::vector<HostId> hosts_without_place(const pool::HostNames& names, const config::Realm& realm) {
  const auto hosts = by_name(realm);
  std::vector<HostId> gone;
  names.for_each([&](const pool::RealmHost& known) {
    if (known.dynamic_ttl) return;  // its place is no matter of the realm file
    const auto found = hosts.find(known.name);
    if (found == hosts.end() || !std::ranges::is_permutation(found->second->addresses, known.addresses))
      gone.push_back(known.id);
  });
  return gone;
}

void change_hosts(pool::HostNames& names, const config::Realm& realm, std::uint32_t& next_id) {
  std::unordered_map<std::string, HostId> kept;
  const auto gone = hosts_without_place(names, realm);
  for (const HostId id : gone) names.remove(id);
  names.for_each([&](const pool::RealmHost& host) {
    if (!host.dynamic_ttl) kept.emplace(host.name, host.id);
  });
  for (const auto& [name, id] : kept) names.remove(id);
  for (const config::Host& host : realm.hosts) {
    const auto known = kept.find(host.name);
    const HostId id = known == kept.end() ? HostId{next_id++} : known->second;
    if (!names.add({id, host.name, host.addresses, host.services, host.www}))
      throw std::invalid_argument{"hosts." + host.name + ": clashes with another host, or is no host name"};
  }
}

std::optional<net::IpAddress> inside_address(const pool::RealmHost& host, net::Family family) {
  const auto found = std::ranges::find(host.addresses, family, &net::IpAddress::family);
  if (found != host.addresses.end()) return *found;
  return host.addresses.empty() ? std::nullopt : std::optional{host.addresses.front()};
}

RealmNames::RealmNames(const config::Realm& realm, const pool::HostNames& hosts, pool::CircularPool& pool,
                       const WorkerLinks& workers)
    : hosts_{hosts}, pool_{pool}, workers_{workers} {
  change(realm);
}

void RealmNames::change(const config::Realm& realm) {
  v4_to_v6_ = realm.nat64.prefix.has_value();
  v6_to_v4_ = realm.nat46.proxies.has_value();
  proxy_ = realm.dns.proxy;
  proxy_ttl_ = realm.dns.proxy_ttl;
  ttl_ = realm.zones.empty() ? 0 : realm.zones.front().ttl;
  zone_ = dns::Name::from_text(realm.name).value_or(dns::Name{});
}

dns::Found RealmNames::find(std::span<const std::string_view> labels, dns::RrType type, dns::View view) {
  using Kind = dns::Found::Kind;
  using Match = pool::NameMatch::Kind;
  const pool::NameMatch match = hosts_.find(labels);
  dns::Found found;
  switch (match.kind) {
    case Match::none:
      return view == dns::View::outside && labels.size() == 1 ? aliased(labels.front(), type) : found;
    case Match::empty_non_terminal:
      found.kind = Kind::empty_non_terminal;
      return found;
    case Match::srv:
      return srv(match);
    case Match::www:
      found.kind = Kind::addresses;
      found.addresses = proxy_;
      found.ttl = proxy_ttl_;
      return found;
    case Match::host:
    case Match::service:
      break;
  }
  if (type == dns::RrType::dhcid && match.kind == Match::host && match.host->dynamic_ttl &&
      dynamic_ != nullptr) {
    found.kind = Kind::data;
    found.data = dynamic_->dhcid_of(match.host->name);
    found.ttl = *match.host->dynamic_ttl;
    return found;
  }
  if (view == dns::View::inside) {
    found.kind = Kind::addresses;
    found.addresses = match.host->addresses;
    found.ttl = match.host->dynamic_ttl.value_or(ttl_);
    return found;
  }
  return reserved(match, type);
}

dns::Found RealmNames::reserved(const pool::NameMatch& match, dns::RrType type) const {
  using Kind = dns::Found::Kind;
  dns::Found found;
  const bool address_asked = type == dns::RrType::a || type == dns::RrType::aaaa;
  if (!address_asked || !may_reserve(match, type == dns::RrType::a ? net::Family::v4 : net::Family::v6)) {
    found.kind = Kind::no_data;
    return found;
  }
  found.kind = Kind::reserve;
  found.host = match.host->id;
  found.service = match.service;
  return found;
}

dns::Found RealmNames::aliased(std::string_view label, dns::RrType type) const {
  dns::Found found;
  const auto alias = guard_ == nullptr ? std::nullopt : guard_->aliases().read(label);
  const pool::RealmHost* const host = alias ? hosts_.find(alias->host) : nullptr;
  if (host == nullptr) return found;
  const pool::NameMatch match{
      .kind = pool::NameMatch::Kind::service, .host = host, .service = alias->service};
  return reserved(match, type);
}

bool RealmNames::is_proof(const dns::Question& question, HostId host, const net::Service& service,
                          const net::IpAddress& source, Instant now) const {
  const dns::Labels labels{question.name};
  if (labels.size() != zone_.label_count() + 1) return false;
  const auto alias = guard_->aliases().read(labels.first(1).front());
  return alias && alias->host == host && alias->service == service && guard_->proves(*alias, source, now);
}

dns::Reservation RealmNames::alias_for(const pool::Request& request, Instant now) const {
  const auto label =
      guard_->aliases().make(request.host, request.service, guard::AskerPrefix{request.source.address}, now);
  const std::array<std::string_view, 1> labels{std::string_view{label.data(), label.size()}};
  const auto name = dns::Name::join(labels, zone_);
  if (!name) return dns::Challenged{};
  return dns::Aliased{*name};
}

std::optional<dns::FoundName> RealmNames::reverse(const net::IpAddress& address, dns::View view) {
  if (view != dns::View::inside || dynamic_ == nullptr) return std::nullopt;
  return dynamic_->reverse(address, zone_);
}

bool RealmNames::has_reverse(dns::View view) const {
  return view == dns::View::inside && dynamic_ != nullptr && dynamic_->any();
}

bool RealmNames::may_reserve(const pool::NameMatch& match, net::Family family) const {
  const auto inside = inside_address(*match.host, family);
  if (!inside || !match.host->accepts(match.service) || !pool_.offers(family, match.service)) return false;
  return inside->family() == family || (family == net::Family::v4 ? v4_to_v6_ : v6_to_v4_);
}

dns::Found RealmNames::srv(const pool::NameMatch& match) {
  srv_service_ = pool::service_label(match.service);
  srv_target_.assign(1, srv_service_);
  std::string_view rest = match.host->name;
  while (!rest.empty()) {
    const auto dot = std::min(rest.find('.'), rest.size());
    srv_target_.push_back(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  dns::Found found;
  found.kind = dns::Found::Kind::srv;
  found.ttl = ttl_;
  found.srv = {0, 0, match.service.port, srv_target_};
  return found;
}

dns::Reservation RealmNames::reserve(HostId host, const net::Service& service, net::Family family,
                                     const dns::Requester& requester, const dns::Question& question,
                                     Instant now) {
  hosts_.prefetch(host);  // `PoolRelay::bind` asks for it
  if (!workers_.room_for(events_per_query)) return dns::Refused{};
  const bool guarded = guard_ != nullptr && guard_->challenges() && requester.view == dns::View::outside;
  const bool by_alias =
      guarded && !requester.proven && is_proof(question, host, service, requester.source.address, now);
  pool::Request request{
      host, family, service, requester.source, requester.id, !guarded || requester.proven || by_alias};
  if (requester.client && requester.client->family() == family) request.client = requester.client;
  if (guarded) {
    switch (guard_->judge(request, {by_alias, requester.knows_cookies}, pool_, now)) {
      case guard::Finding::admitted:
        break;
      case guard::Finding::to_prove:
        return dns::Challenged{};
      case guard::Finding::to_alias:
        return alias_for(request, now);
      case guard::Finding::over_quota:
      case guard::Finding::distrusted:
        return dns::Refused{};
    }
  }
  const auto outcome = pool_.reserve(request, now);
  if (const auto* granted = std::get_if<pool::Granted>(&outcome)) {
    if (!workers_.settled())
      return dns::Refused{};  // more ended just now than the rings took; asked again, it is there
    return dns::Granted{granted->binding.external, granted->how == pool::Granted::How::retransmitted,
                        by_alias};
  }
  if (const auto* waiting = std::get_if<pool::Waiting>(&outcome))
    return dns::Waiting{dns::Ticket{waiting->ticket.value()}, by_alias};
  return dns::Refused{};
}

}  // namespace rgw::control
