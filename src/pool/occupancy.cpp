#include "realmgw/pool/occupancy.hpp"

namespace rgw::pool {
namespace {

using net::Protocol;
using net::Service;

constexpr std::uint64_t bit(AddressSlot address) {
  return std::uint64_t{1} << address % 64;
}

/// Only of a canonical service that is not (any, 0).
std::size_t protocol_index(const Service& service) {
  switch (service.protocol) {
    case Protocol::tcp:
      return 0;
    case Protocol::udp:
      return 1;
    case Protocol::sctp:
      return 2;
    default:
      return 3;
  }
}

}  // namespace

std::optional<Service> canonical(Service service) {
  switch (service.protocol) {
    case Protocol::any:
    case Protocol::icmp:
      return Service{service.protocol, 0};
    case Protocol::icmp6:
      return Service{Protocol::icmp, 0};
    case Protocol::tcp:
    case Protocol::udp:
    case Protocol::sctp:
      return service;
  }
  return std::nullopt;
}

Occupancy::Occupancy(std::size_t addresses, PortMasks& ports, PortMasks::Set set)
    : carrying_((addresses + 63) / 64),
      everything_(carrying_.size()),
      port_counts_(addresses),
      counts_(addresses),
      ports_{ports},
      set_{set} {
  all_ports_.fill(carrying_);
  some_ports_.fill(carrying_);
}

void Occupancy::grow(std::size_t addresses) {
  const std::size_t words = (addresses + 63) / 64;
  for (Bits* bits : {&carrying_, &everything_}) bits->resize(words);
  for (auto* of_protocols : {&all_ports_, &some_ports_}) {
    for (Bits& bits : *of_protocols) bits.resize(words);
  }
  port_counts_.resize(addresses);
  counts_.resize(addresses);
}

bool Occupancy::add(AddressSlot address, const Service& service) {
  const auto word = address / 64;
  if (service.is_any()) {
    everything_[word] |= bit(address);
  } else if (const auto protocol = protocol_index(service); service.port == 0) {
    all_ports_[protocol][word] |= bit(address);
  } else {
    if (!ports_.add(set_, address, service)) return false;
    some_ports_[protocol][word] |= bit(address);
    ++port_counts_[address][protocol];
  }
  if (counts_[address]++ == 0) {
    carrying_[word] |= bit(address);
    ++carrying_count_;
  }
  return true;
}

void Occupancy::remove(AddressSlot address, const Service& service) {
  const auto word = address / 64;
  if (service.is_any()) {
    everything_[word] &= ~bit(address);
  } else if (const auto protocol = protocol_index(service); service.port == 0) {
    all_ports_[protocol][word] &= ~bit(address);
  } else {
    ports_.remove(set_, address, service);
    if (--port_counts_[address][protocol] == 0) some_ports_[protocol][word] &= ~bit(address);
  }
  if (--counts_[address] == 0) {
    carrying_[word] &= ~bit(address);
    --carrying_count_;
  }
}

bool Occupancy::contains(AddressSlot address, const Service& service) const {
  if (service.is_any()) return has(everything_, address);
  const auto protocol = protocol_index(service);
  if (service.port == 0) return has(all_ports_[protocol], address);
  return has(some_ports_[protocol], address) && has_bit(with_port(address / 64, service), address);
}

std::uint64_t Occupancy::overlapping(std::size_t word, const Service& service) const {
  if (service.is_any()) return carrying_[word];
  const auto protocol = protocol_index(service);
  const auto wide = everything_[word] | all_ports_[protocol][word];
  const auto some = some_ports_[protocol][word];
  if (service.port == 0) return wide | some;
  // The ports need be asked only where their answer could change ours.
  return (some & ~wide) == 0 ? wide : wide | with_port(word, service);
}

std::uint64_t Occupancy::covering(std::size_t word, const Service& service) const {
  if (service.is_any()) return everything_[word];
  if (service.port != 0) return overlapping(word, service);
  return everything_[word] | all_ports_[protocol_index(service)][word];
}

}  // namespace rgw::pool
