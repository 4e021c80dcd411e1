// Names of signposts, by which workers speak of them to each other.
#pragma once

#include "realmgw/nat/session_table.hpp"
#include "realmgw/ring/packet_buffer.hpp"

#include <bit>
#include <cstdint>

namespace rgw::dataplane {

/// A name is the signpost's record, and, in the bits that are left, which of all signposts it is: word of one
/// that has ended may come late, and must not hit the one that has its record by now.
class SignpostIds {
 public:
  /// `capacity`: of the worker's session table.
  explicit SignpostIds(std::uint32_t capacity)
      : slot_bits_{static_cast<unsigned>(std::bit_width(capacity - 1))} {}

  [[nodiscard]] std::uint32_t next(nat::SessionSlot slot) {
    std::uint32_t id = 0;
    do id = slot | static_cast<std::uint32_t>(std::uint64_t{turn_++} << slot_bits_);
    while (id == ring::no_signpost);
    return id;
  }
  [[nodiscard]] nat::SessionSlot slot_of(std::uint32_t id) const {
    return id & static_cast<std::uint32_t>((std::uint64_t{1} << slot_bits_) - 1);
  }

 private:
  unsigned slot_bits_;
  std::uint32_t turn_ = 0;
};

}  // namespace rgw::dataplane
