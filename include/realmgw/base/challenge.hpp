// When whoever asks for a reservation must prove that his address is his (GUARD-1).
#pragma once

#include <cstdint>

namespace rgw {

enum class Challenge : std::uint8_t {
  load,    ///< where reservations without proof are many, or are not used
  always,  ///< before any reservation
  never,   ///< not at all
};

}  // namespace rgw
