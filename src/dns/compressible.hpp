// Which names in a record's data a message may compress.
#pragma once

#include "realmgw/dns/types.hpp"

namespace rgw::dns {

/// The types whose names may be sent compressed: those of RFC 1035 (RFC 3597 section 4), as far as anybody
/// uses them.
constexpr bool compressible(RrType type) {
  switch (type) {
    case RrType::ns:
    case RrType::cname:
    case RrType::soa:
    case RrType::ptr:
    case RrType::mx:
      return true;
    default:
      return false;
  }
}

}  // namespace rgw::dns
