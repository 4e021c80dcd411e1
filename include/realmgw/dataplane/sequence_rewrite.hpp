// Adjusts the numbers of a TCP segment whose session's text was edited (ALG-1). Hot path: no allocation.
#pragma once

#include "realmgw/alg/sequence_map.hpp"

#include <cstdint>
#include <span>

namespace rgw::dataplane {

/// `segment`: from the TCP header to the end of the payload; its header length has been checked.
/// Writes the numbers that the receiver knows: `own` maps those of the segment's sender, `other` those that
/// it acknowledges. SACK blocks of which nothing is whole become padding (RFC 2018 section 3). Checksums move
/// by difference. False, and nothing has changed, where the segment carries text that was edited.
[[nodiscard]] bool rewrite_numbers(std::span<std::uint8_t> segment, const alg::SequenceMap& own,
                                   const alg::SequenceMap& other);

}  // namespace rgw::dataplane
