#include "realmgw/pool/live_services.hpp"

#include <array>

namespace rgw::pool {
namespace {

constexpr std::uint64_t bit(AddressSlot address) {
  return std::uint64_t{1} << address % 64;
}

/// What a session counts at. Of ICMP, which has no ports, the first two are one.
std::array<net::Service, 3> levels(const net::Service& service) {
  return {service, net::Service{service.protocol, 0}, net::Service{}};
}
std::size_t first_level(const net::Service& service) {
  return service.port == 0 ? 1 : 0;
}

}  // namespace

LiveServices::LiveServices(std::size_t capacity, const HashSalt& salt)
    : counts_{2 * capacity, salt}, masks_{2 * capacity, salt} {}

/// Asks for all that a change looks at, at once: most of it is seldom in the cache.
void LiveServices::prefetch(AddressSlot address, const net::Service& service, std::uint32_t host) const {
  for (const net::Service& level : levels(service)) {
    for (const std::uint32_t whose : {host, everybody}) {
      counts_.prefetch(key(address, level, whose));
      masks_.prefetch(key(address / 64, level, whose));
    }
  }
}

void LiveServices::began(AddressSlot address, const net::Service& service, HostId host) {
  prefetch(address, service, host.value());
  const auto all = levels(service);
  for (std::size_t i = first_level(service); i < all.size(); ++i) add(address, all[i], host.value());
}

void LiveServices::ended(AddressSlot address, const net::Service& service, HostId host) {
  prefetch(address, service, host.value());
  const auto all = levels(service);
  for (std::size_t i = first_level(service); i < all.size(); ++i) remove(address, all[i], host.value());
}

void LiveServices::add(AddressSlot address, const net::Service& service, std::uint32_t host) {
  auto* const sessions = counts_.insert(key(address, service, host), 0U);
  if (sessions == nullptr || ++*sessions != 1) return;
  if (auto* const own = masks_.insert(key(address / 64, service, host))) own->any |= bit(address);
  auto* const hosts = counts_.insert(key(address, service, everybody), 0U);
  if (hosts == nullptr) return;
  const bool first = ++*hosts == 1;
  if (auto* const all = masks_.insert(key(address / 64, service, everybody)))
    (first ? all->any : all->many) |= bit(address);
}

void LiveServices::remove(AddressSlot address, const net::Service& service, std::uint32_t host) {
  const auto clear = [&](std::uint32_t of, std::uint64_t Masks::*which) {
    const auto name = key(address / 64, service, of);
    auto* const masks = masks_.find(name);
    if (masks == nullptr) return;
    masks->*which &= ~bit(address);
    if (masks->any == 0) masks_.erase(name);
  };
  const auto name = key(address, service, host);
  auto* const sessions = counts_.find(name);
  if (sessions == nullptr || --*sessions != 0) return;
  counts_.erase(name);
  clear(host, &Masks::any);
  const auto of_all = key(address, service, everybody);
  auto* const hosts = counts_.find(of_all);
  if (hosts == nullptr) return;
  if (--*hosts == 1) clear(everybody, &Masks::many);
  if (*hosts != 0) return;
  counts_.erase(of_all);
  clear(everybody, &Masks::any);
}

std::uint64_t LiveServices::of_others(std::size_t word, const net::Service& service, HostId host) const {
  const auto place = static_cast<std::uint32_t>(word);
  const auto* const all = masks_.find(key(place, service, everybody));
  if (all == nullptr) return 0;
  const auto* const own = masks_.find(key(place, service, host.value()));
  return own == nullptr ? all->any : all->many | (all->any & ~own->any);
}

}  // namespace rgw::pool
