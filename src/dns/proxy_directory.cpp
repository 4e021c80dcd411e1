#include "realmgw/dns/proxy_directory.hpp"

#include <algorithm>
#include <stdexcept>

namespace rgw::dns {
namespace {

std::size_t checked(std::size_t count) {
  if (count == 0) throw std::invalid_argument{"DNS46 without a proxy address"};
  return std::min(count, ProxyDirectory::max_proxies);
}

}  // namespace

ProxyDirectory::ProxyDirectory(const net::Ipv4Address& first, std::size_t count, const HashSalt& salt,
                               ProxyEvents& events)
    : first_{first}, capacity_{checked(count)}, events_{events}, by_remote_{capacity_, salt} {}

std::optional<net::Ipv4Address> ProxyDirectory::bind(const net::Ipv6Address& remote, Instant now,
                                                     Instant until) {
  if (const Index* known = by_remote_.find(remote)) {
    if (until > proxies_[*known].until) {
      if (!events_.bound(address_of(*known), remote, until)) return std::nullopt;
      end_at(*known, until);
    }
    return address_of(*known);
  }
  const auto index = take(now);
  if (!index) return std::nullopt;
  Proxy& proxy = proxies_[*index];
  proxy = {remote, now, 0};
  // What could not be told is remembered all the same, as a proxy that is free at once.
  const bool known = by_remote_.insert(remote, *index) != nullptr;
  const bool told = known && events_.bound(address_of(*index), remote, until);
  if (told) proxy.until = until;
  ends_.insert({proxy.until, *index});
  return told ? std::optional{address_of(*index)} : std::nullopt;
}

/// An address for another remote; it stands in no table. Those that were never used come first.
std::optional<ProxyDirectory::Index> ProxyDirectory::take(Instant now) {
  if (proxies_.size() < capacity_) {
    proxies_.emplace_back();
    return static_cast<Index>(proxies_.size() - 1);
  }
  if (ends_.empty() || ends_.begin()->first + rest > now) return std::nullopt;
  const Index index = ends_.begin()->second;
  ends_.erase(ends_.begin());
  by_remote_.erase(proxies_[index].remote);
  return index;
}

void ProxyDirectory::end_at(Index index, Instant until) {
  Proxy& proxy = proxies_[index];
  if (ends_.erase({proxy.until, index}) != 0) ends_.insert({until, index});
  proxy.until = until;
}

std::optional<ProxyDirectory::Index> ProxyDirectory::index_of(const net::Ipv4Address& address) const {
  const std::uint32_t index = address.value.host() - first_.value.host();  // wraps for those below
  return index < proxies_.size() ? std::optional{index} : std::nullopt;
}

std::optional<net::Ipv6Address> ProxyDirectory::remote_of(const net::Ipv4Address& address) const {
  const auto index = index_of(address);
  return index ? std::optional{proxies_[*index].remote} : std::nullopt;
}

void ProxyDirectory::hold(const net::Ipv4Address& address) {
  const auto index = index_of(address);
  if (index && proxies_[*index].sessions++ == 0) ends_.erase({proxies_[*index].until, *index});
}

void ProxyDirectory::release(const net::Ipv4Address& address) {
  const auto index = index_of(address);
  if (!index || proxies_[*index].sessions == 0) return;
  if (--proxies_[*index].sessions == 0) ends_.insert({proxies_[*index].until, *index});
}

}  // namespace rgw::dns
