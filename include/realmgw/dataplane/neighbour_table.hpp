// A worker's copy of what the control thread knows of neighbours: next hop to MAC address. Hot path.
#pragma once

#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/address_key.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <cstdint>
#include <vector>

namespace rgw::dataplane {

using nat::NeighbourIndex;
using nat::no_neighbour;

/// One next hop on one port: all that the last step of a packet asks for, in half a cache line.
struct alignas(32) Neighbour {
  net::EthernetHeader link;             ///< of a frame to it; the type is the packet's to say
  std::uint16_t mtu = 0;                ///< of the port
  NeighbourIndex index = no_neighbour;  ///< its own full index: place and generation
  PortId port;
  bool reachable = false;
};
static_assert(sizeof(Neighbour) == 32);

/// Sessions keep an index rather than a pointer, and it stays theirs: an index that was given up names nobody
/// ever after (until the generation, of 16 bits, comes round).
class NeighbourTable {
 public:
  /// `capacity` is below 65536.
  NeighbourTable(std::uint32_t capacity, const HashSalt& salt)
      : places_(capacity + 1), by_address_{capacity, salt} {
    for (std::uint32_t place = capacity; place != 0; --place) free_.push_back(place);
  }

  /// What an index stands for, or nullptr where it has been given up or the neighbour does not answer.
  [[nodiscard]] const Neighbour* find(NeighbourIndex index) const {
    const Neighbour& neighbour = places_[index & place_mask];
    return neighbour.index == index && neighbour.reachable ? &neighbour : nullptr;
  }
  /// The index of a next hop; `no_neighbour` where it is not known.
  [[nodiscard]] NeighbourIndex find(PortId port, const nat::AddressKey& address) const {
    const auto* place = by_address_.find({address, port.value()});
    return place == nullptr ? no_neighbour : places_[*place].index;
  }

  /// Control's word. False where the table is full of others.
  bool update(const ring::PortFacts& port, const net::IpAddress& address, const net::MacAddress& mac,
              bool reachable) {
    const Key key{address, port.id.value()};
    std::uint32_t* place = by_address_.find(key);
    if (!reachable) {
      if (place == nullptr) return true;
      Neighbour& gone = places_[*place];
      gone.reachable = false;
      gone.index += generation_step;
      free_.push_back(*place);
      by_address_.erase(key);
      return true;
    }
    if (place == nullptr) {
      if (free_.empty()) return false;
      place = by_address_.insert(key, free_.back());
      if (place == nullptr) return false;
      free_.pop_back();
      Neighbour& fresh = places_[*place];
      fresh.index = (fresh.index & ~place_mask) + *place + generation_step;
    }
    Neighbour& neighbour = places_[*place];
    neighbour.link = {.destination = mac, .source = port.mac, .type = {}};
    neighbour.mtu = port.mtu;
    neighbour.port = port.id;
    neighbour.reachable = true;
    return true;
  }

  [[nodiscard]] std::size_t size() const { return by_address_.size(); }
  [[nodiscard]] std::size_t capacity() const { return by_address_.capacity(); }

 private:
  struct Key {
    nat::AddressKey address;
    std::uint8_t port;
    friend bool operator==(const Key&, const Key&) = default;
  };
  static_assert(PlainKey<Key>);
  static constexpr NeighbourIndex place_mask = 0xffff;
  static constexpr NeighbourIndex generation_step = 0x10000;

  std::vector<Neighbour> places_;  ///< place 0 stays empty
  std::vector<std::uint32_t> free_;
  FlatMap<Key, std::uint32_t> by_address_;
};

}  // namespace rgw::dataplane
