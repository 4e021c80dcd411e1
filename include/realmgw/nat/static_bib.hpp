// The mappings of the realm file (OUT-2; static BIB entries, RFC 6146 section 3.1), found from either side.
#pragma once

#include "realmgw/base/flat_map.hpp"
#include "realmgw/nat/endpoint_key.hpp"
#include "realmgw/nat/policy.hpp"

#include <cstdint>
#include <vector>

namespace rgw::nat {

/// Fixed in number; only how many sessions each has changes. One worker's part counts its own hosts'
/// sessions.
class StaticBib {
 public:
  using Index = std::uint32_t;

  /// The mappings outlive this.
  StaticBib(const std::vector<StaticMapping>& mappings, const HashSalt& salt)
      : mappings_{&mappings},
        sessions_(mappings.size()),
        by_inside_{static_cast<std::uint32_t>(mappings.size() + 1), salt},
        by_outside_{static_cast<std::uint32_t>(mappings.size() + 1), salt} {
    for (Index i = 0; i < mappings.size(); ++i) {
      const auto& mapping = mappings[i];
      // Several outside endpoints may lead to one inside: outbound, the first of a family is the one to leave
      // with.
      static_cast<void>(by_inside_.insert(
          EndpointKey{mapping.inside, mapping.protocol}.towards(mapping.outside.address.family()), i));
      static_cast<void>(by_outside_.insert({mapping.outside, mapping.protocol}, i));
    }
  }

  [[nodiscard]] Index size() const { return static_cast<Index>(mappings_->size()); }
  [[nodiscard]] const StaticMapping& operator[](Index i) const { return (*mappings_)[i]; }
  [[nodiscard]] std::uint32_t sessions(Index i) const { return sessions_[i]; }

  /// The mapping of an inside endpoint to the addresses of a family; nullptr where there is none.
  [[nodiscard]] const Index* find_inside(const net::Endpoint& inside, net::Family outside,
                                         net::Protocol protocol) const {
    if (mappings_->empty()) return nullptr;
    return by_inside_.find(EndpointKey{inside, protocol}.towards(outside));
  }
  [[nodiscard]] const Index* find_outside(const net::Endpoint& outside, net::Protocol protocol) const {
    if (mappings_->empty()) return nullptr;
    return by_outside_.find({outside, protocol});
  }

  /// Those that `former` has, too, keep their sessions.
  void take_over(const StaticBib& former) {
    for (Index i = 0; i < size(); ++i) {
      const auto& mine = (*this)[i];
      const Index* same = former.find_outside(mine.outside, mine.protocol);
      if (same != nullptr && former[*same].inside == mine.inside) sessions_[i] = former.sessions(*same);
    }
  }

  /// One session more, or less, with an outside endpoint; of one that is no mapping's nothing is counted.
  void join(Index i) { ++sessions_[i]; }
  void leave(const net::Endpoint& outside, net::Protocol protocol) {
    if (mappings_->empty()) return;
    if (const Index* i = find_outside(outside, protocol); i != nullptr && sessions_[*i] != 0) --sessions_[*i];
  }

 private:
  const std::vector<StaticMapping>* mappings_;
  std::vector<std::uint32_t> sessions_;
  FlatMap<EndpointKey, Index> by_inside_;
  FlatMap<EndpointKey, Index> by_outside_;
};

}  // namespace rgw::nat
