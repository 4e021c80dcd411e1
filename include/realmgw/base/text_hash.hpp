// A hash of names for tables that the operator fills, and whoever he has given a key.
#pragma once

#include "realmgw/base/hash.hpp"
#include "realmgw/base/random.hpp"

#include <cstddef>
#include <string_view>

namespace rgw {

/// Strangers choose no keys there. DHCP clients choose names (DNS-6): `dns.dynamic_hosts` bounds those.
inline const HashSalt known_salt = [] {
  Random random{1};
  return HashSalt{random};
}();

/// For the tables of the standard library, too.
struct TextHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const {
    return hash_bytes(text.data(), text.size(), known_salt);
  }
};

}  // namespace rgw
