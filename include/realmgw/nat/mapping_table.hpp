// Endpoint-independent mappings: the BIB of RFC 6146 section 3.1, one worker's part (OUT-1).
#pragma once

#include "realmgw/base/flat_map.hpp"
#include "realmgw/nat/endpoint_key.hpp"
#include "realmgw/nat/explicit_mapping.hpp"
#include "realmgw/net/transport.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace rgw::nat {

/// A mapping lives as long as one of its sessions does, or as its host's asking holds it.
class MappingTable {
 public:
  using Id = std::uint32_t;
  struct Mapping {
    net::Endpoint inside;
    net::Endpoint external;
    net::Protocol protocol;
    Hold hold;
    std::uint32_t port_set;  ///< that holds the external port
    std::uint32_t sessions;
  };

  /// `remotes`: are the addresses that a mapping has sessions with to be remembered (address-dependent
  /// filtering)?
  MappingTable(std::uint32_t capacity, bool remotes, const HashSalt& salt)
      : mappings_(capacity),
        by_inside_{capacity, salt},
        by_external_{capacity, salt},
        contacts_{remotes ? capacity : 1, salt},
        remotes_{remotes} {
    free_.reserve(capacity);
    for (Id id = capacity; id-- > 0;) free_.push_back(id);
  }

  [[nodiscard]] const Mapping& operator[](Id id) const { return mappings_[id]; }
  [[nodiscard]] std::size_t size() const { return by_inside_.size(); }
  [[nodiscard]] std::size_t capacity() const { return mappings_.size(); }

  /// All ids that were ever given are below.
  [[nodiscard]] Id high_water() const { return high_water_; }
  [[nodiscard]] bool live(Id id) const { return !unused(mappings_[id]); }

  /// The mapping of an inside endpoint to the addresses of a family.
  [[nodiscard]] std::optional<Id> find_inside(const net::Endpoint& inside, net::Family outside,
                                              net::Protocol protocol) const {
    return as_optional(by_inside_.find(EndpointKey{inside, protocol}.towards(outside)));
  }
  [[nodiscard]] std::optional<Id> find_external(const net::Endpoint& external, net::Protocol protocol) const {
    return as_optional(by_external_.find({external, protocol}));
  }

  /// Asks for the memory in which `find_inside` looks, and in which the `n`th mapping from now on will be
  /// made, should it get this external endpoint.
  [[gnu::always_inline]] void prefetch(const EndpointKey& inside, net::Family outside,
                                       const EndpointKey& external, std::uint32_t n) const {
    by_inside_.prefetch(inside.towards(outside));
    by_external_.prefetch(external);
    if (n >= free_.size()) return;
    const Mapping& mapping = mappings_[free_[free_.size() - 1 - n]];
    __builtin_prefetch(&mapping, 1);
    __builtin_prefetch(&mapping.sessions, 1);
  }

  /// A mapping without sessions yet; nothing where there is no room.
  [[nodiscard]] std::optional<Id> add(const net::Endpoint& inside, const net::Endpoint& external,
                                      net::Protocol protocol, std::uint32_t port_set) {
    if (free_.empty()) return std::nullopt;
    const Id id = free_.back();
    const EndpointKey key = EndpointKey{inside, protocol}.towards(external.address.family());
    if (by_inside_.insert(key, id) == nullptr) return std::nullopt;
    if (by_external_.insert({external, protocol}, id) == nullptr) {
      by_inside_.erase(key);
      return std::nullopt;
    }
    free_.pop_back();
    mappings_[id] = {inside, external, protocol, Hold::none, port_set, 0};
    high_water_ = std::max(high_water_, id + 1);
    return id;
  }

  /// One more session, towards `remote`.
  void join(Id id, const net::IpAddress& remote) {
    ++mappings_[id].sessions;
    if (!remotes_) return;
    if (std::uint32_t* count = contacts_.insert({id, remote}, 0U)) ++*count;  // else: that remote is filtered
  }
  /// One session less. Was it the last? Then the mapping is gone, and its port may be given back.
  bool leave(Id id, const net::IpAddress& remote) {
    if (remotes_) {
      if (std::uint32_t* count = contacts_.find({id, remote}); count != nullptr && --*count == 0) {
        contacts_.erase({id, remote});
      }
    }
    --mappings_[id].sessions;
    return drop_where_unused(id);
  }
  /// Does the host's asking hold it? True where it is gone by that.
  bool hold(Id id, Hold hold) {
    mappings_[id].hold = hold;
    return drop_where_unused(id);
  }
  /// Takes away a mapping that no session ever joined.
  void drop_unused(Id id) {
    mappings_[id].sessions = 1;
    leave(id, {});
  }

  /// Has the mapping a session with this address, on whatever port?
  [[nodiscard]] bool has_contacted(Id id, const net::IpAddress& remote) const {
    return contacts_.contains({id, remote});
  }

 private:
  static bool unused(const Mapping& mapping) { return mapping.sessions == 0 && mapping.hold == Hold::none; }
  bool drop_where_unused(Id id) {
    const Mapping& mapping = mappings_[id];
    if (!unused(mapping)) return false;
    by_inside_.erase(
        EndpointKey{mapping.inside, mapping.protocol}.towards(mapping.external.address.family()));
    by_external_.erase({mapping.external, mapping.protocol});
    free_.push_back(id);
    return true;
  }

  struct Contact {
    std::array<std::uint8_t, 4> mapping;
    AddressKey remote;
    Contact(Id id, const net::IpAddress& address)
        : mapping{static_cast<std::uint8_t>(id >> 24), static_cast<std::uint8_t>(id >> 16),
                  static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)},
          remote{address} {}
    Contact() = default;
    friend bool operator==(const Contact&, const Contact&) = default;
  };
  static_assert(PlainKey<Contact>);

  static std::optional<Id> as_optional(const Id* id) {
    return id == nullptr ? std::nullopt : std::optional{*id};
  }

  std::vector<Mapping> mappings_;
  Id high_water_ = 0;
  std::vector<Id> free_;
  FlatMap<EndpointKey, Id> by_inside_;
  FlatMap<EndpointKey, Id> by_external_;
  FlatMap<Contact, std::uint32_t> contacts_;
  bool remotes_;
};

}  // namespace rgw::nat
