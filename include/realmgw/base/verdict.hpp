// How a packet leaves a stage.
#pragma once

#include "realmgw/base/counter.hpp"

namespace rgw {

/// `pass()`: on to the next stage. `drop(counter)`: the way ends here, under that name.
/// `taken()`: another has the packet now (a ring, the kernel, an answer made of it), which that one counts.
class [[nodiscard]] Verdict {
 public:
  [[nodiscard]] static constexpr Verdict pass() { return Verdict{none}; }
  [[nodiscard]] static constexpr Verdict taken() { return Verdict{gone}; }
  [[nodiscard]] static constexpr Verdict drop(Counter why) {
    return Verdict{static_cast<std::uint16_t>(why)};
  }

  [[nodiscard]] constexpr bool passed() const { return value_ == none; }
  [[nodiscard]] constexpr bool was_taken() const { return value_ == gone; }
  /// Only where dropped.
  [[nodiscard]] constexpr Counter counter() const { return static_cast<Counter>(value_); }
  friend constexpr bool operator==(Verdict, Verdict) = default;

 private:
  static constexpr std::uint16_t none = 0xffff;
  static constexpr std::uint16_t gone = 0xfffe;
  constexpr explicit Verdict(std::uint16_t value) : value_{value} {}
  std::uint16_t value_;
};

}  // namespace rgw
