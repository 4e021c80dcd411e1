// What the header, the OPT record and the sections of an upstream's reply say of the upstream.
#pragma once

#include "realmgw/dns/types.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace rgw::dns {

struct ReplyMarks {
  Rcode rcode = Rcode::noerror;  ///< with its upper bits, where there is an OPT
  bool edns = false;
  /// It does not resolve for us: a referral instead of an answer, or nothing at all and no recursion (RA).
  bool lame = false;
};

/// Nothing where the message cannot be walked to its end. The names and data within are not read.
[[nodiscard]] std::optional<ReplyMarks> read_marks(std::span<const std::uint8_t> message);

/// Does a reply carry the ID and the question of `query`? An error may come without any question, since some
/// servers give up before they read it.
[[nodiscard]] bool replies_to(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query);

}  // namespace rgw::dns
