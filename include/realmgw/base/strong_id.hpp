// Numbers that name things. Two kinds of id never mix.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>

namespace rgw {

/// An id of type `Rep` that converts to nothing else. `Tag` is any type, complete or not.
template <class Tag, std::unsigned_integral Rep = std::uint32_t>
class StrongId {
 public:
  using rep = Rep;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_{value} {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

 private:
  Rep value_{};
};

/// A worker's number, from 0.
using WorkerId = StrongId<struct WorkerTag, std::uint8_t>;
/// A port of the gateway (a network device), from 0, in the order of the realm file.
using PortId = StrongId<struct PortTag, std::uint8_t>;
/// A host of the realm file, by its place in the list of hosts.
using HostId = StrongId<struct HostTag, std::uint32_t>;
/// A reservation of the Circular Pool. Never reused within a run.
using ReservationId = StrongId<struct ReservationTag, std::uint64_t>;

}  // namespace rgw

template <class Tag, std::unsigned_integral Rep>
struct std::hash<rgw::StrongId<Tag, Rep>> {
  std::size_t operator()(rgw::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
