#include "realmgw/control/dynamic_hosts.hpp"

#include <algorithm>
#include <utility>

namespace rgw::control {
namespace {

bool has(const DynamicHost& host, const net::IpAddress& address) {
  return std::ranges::find(host.addresses, address) != host.addresses.end();
}

}  // namespace

DynamicHosts::DynamicHosts(pool::HostNames& names, std::unique_ptr<HostJournal> journal, Listener listener)
    : names_{names}, journal_{std::move(journal)}, listener_{std::move(listener)} {
  if (!journal_) return;
  auto kept = journal_->take_kept();
  std::string gone;  // what the realm file has now
  for (auto& host : kept.hosts) {
    if (names_.add({listener_.next_id(), host.name, host.addresses, std::nullopt, false, host.ttl})) {
      hosts_.emplace(host.name, std::move(host));
    } else {
      gone += line_of(DynamicHost{.name = host.name, .addresses = {}, .dhcid = {}});
    }
  }
  if (!gone.empty()) static_cast<void>(journal_->append(gone + line_of(DynamicCommit{})));
  for (auto& reverse : kept.reverses) reverses_.emplace(reverse.address, std::move(reverse));
  for (const auto& commit : kept.keys) signed_.emplace(commit.key, commit.signed_at);
}

const DynamicHost* DynamicHosts::find(std::string_view name) const {
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? nullptr : &found->second;
}

const DynamicReverse* DynamicHosts::find(const net::IpAddress& address) const {
  const auto found = reverses_.find(address);
  return found == reverses_.end() ? nullptr : &found->second;
}

std::span<const std::string> DynamicHosts::dhcid_of(std::string_view name) const {
  const auto* host = find(name);
  return host == nullptr ? std::span<const std::string>{} : std::span{host->dhcid};
}

std::optional<dns::FoundName> DynamicHosts::reverse(const net::IpAddress& address,
                                                    const dns::Name& zone) const {
  if (const auto* said = find(address); said != nullptr && !said->target.empty()) {
    std::size_t at = 0;
    const std::span wire{reinterpret_cast<const std::uint8_t*>(said->target.data()), said->target.size()};
    if (const auto name = dns::Name::from_wire(wire, at)) return dns::FoundName{*name, said->ttl};
  }
  const auto* host = names_.find(address);
  if (host == nullptr || !host->dynamic_ttl) return std::nullopt;
  const auto relative = dns::Name::from_text(host->name);
  if (!relative) return std::nullopt;
  const dns::Labels labels{*relative};
  const auto name = dns::Name::join(labels.first(labels.size()), zone);
  return name ? std::optional{dns::FoundName{*name, *host->dynamic_ttl}} : std::nullopt;
}

std::optional<std::uint64_t> DynamicHosts::last_signed(std::string_view key) const {
  const auto found = signed_.find(std::string{key});
  return found == signed_.end() ? std::nullopt : std::optional{found->second};
}

bool DynamicHosts::change(DynamicChanges changes, std::string_view key, std::uint64_t signed_at) {
  if (!journal_) return false;
  // Whose address another one gets loses it.
  std::vector<DynamicHost> losers;
  const auto among = [](std::vector<DynamicHost>& hosts, const std::string& name) {
    const auto found = std::ranges::find(hosts, name, &DynamicHost::name);
    return found == hosts.end() ? nullptr : &*found;
  };
  for (const auto& host : changes.hosts) {
    for (const auto& address : host.addresses) {
      const auto* holder = names_.find(address);
      if (holder == nullptr || holder->name == host.name || among(changes.hosts, holder->name) != nullptr)
        continue;
      auto* loser = among(losers, holder->name);
      if (loser == nullptr) {
        const auto* held = find(holder->name);
        if (held == nullptr) return false;  // a host of the realm file: nobody allows that
        loser = &losers.emplace_back(*held);
      }
      std::erase(loser->addresses, address);
    }
  }
  std::string lines;
  for (const auto* hosts : {&losers, &changes.hosts})
    for (const auto& host : *hosts) lines += line_of(host);
  for (const auto& reverse : changes.reverses) lines += line_of(reverse);
  const std::uint64_t latest = std::max(signed_at, last_signed(key).value_or(0));
  lines += line_of(DynamicCommit{std::string{key}, latest});
  if (!journal_->append(lines)) return false;

  signed_[std::string{key}] = latest;
  // First all lose what they lose, so that addresses can be exchanged.
  for (auto& loser : losers) put_in_force(std::move(loser));
  for (const auto& host : changes.hosts) {
    const auto* before = find(host.name);
    if (before == nullptr) continue;
    DynamicHost less = *before;
    std::erase_if(less.addresses, [&](const net::IpAddress& address) { return !has(host, address); });
    if (less.addresses.size() != before->addresses.size()) put_in_force(std::move(less));
  }
  for (auto& host : changes.hosts) put_in_force(std::move(host));
  for (auto& reverse : changes.reverses) put_in_force(std::move(reverse));
  if (listener_.changed) listener_.changed();
  return true;
}

/// A host that keeps its addresses keeps its id, and so what is reserved for it.
void DynamicHosts::put_in_force(DynamicHost host) {
  const auto found = hosts_.find(host.name);
  const bool is_there = found != hosts_.end();
  if (is_there && found->second == host) return;
  std::optional<HostId> id;
  if (const auto* known = is_there ? names_.named(host.name) : nullptr) {
    id = known->id;
    std::vector<net::IpAddress> left;
    std::ranges::copy_if(known->addresses, std::back_inserter(left),
                         [&](const net::IpAddress& address) { return !has(host, address); });
    if (!left.empty()) listener_.leaves(*id);
    names_.remove(*id);
    if (!left.empty()) id.reset();
    for (const auto& address : left) listener_.vacant(address);
  }
  if (host.empty()) {
    if (is_there) hosts_.erase(found);
    return;
  }
  const bool added =
      names_.add({id ? *id : listener_.next_id(), host.name, host.addresses, std::nullopt, false, host.ttl});
  if (!added) {
    if (is_there) hosts_.erase(found);
    return;
  }
  std::string name = host.name;
  hosts_.insert_or_assign(std::move(name), std::move(host));
}

void DynamicHosts::put_in_force(DynamicReverse reverse) {
  if (reverse.empty()) {
    reverses_.erase(reverse.address);
  } else {
    reverses_.insert_or_assign(reverse.address, std::move(reverse));
  }
}

std::size_t DynamicHosts::keep_only(const std::function<bool(const DynamicHost&)>& may_stay) {
  DynamicChanges gone;
  for (const auto& [name, host] : hosts_) {
    if (!may_stay(host)) gone.hosts.push_back({.name = name, .addresses = {}, .dhcid = {}, .ttl = 0});
  }
  const auto count = gone.hosts.size();
  // They leave whether or not that can be kept: the realm file says so again at the next start.
  if (count != 0 && !change(gone, "", 0))
    for (auto& host : gone.hosts) put_in_force(std::move(host));
  return count;
}

}  // namespace rgw::control
