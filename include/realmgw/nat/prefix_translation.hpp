// IPv6-to-IPv6 network prefix translation, NPTv6 (RFC 6296; X66-1): stateless, neutral to checksums.
// Immutable. Hot path.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/net/route_table.hpp"

#include <cstdint>
#include <vector>

namespace rgw::nat {

/// Two prefixes of at most 64 bits that stand for each other. Where one is shorter, zeros extend it (section
/// 3.1): addresses beyond them are none of the pair's.
struct PrefixPair {
  net::Prefix inside;
  net::Prefix outside;
};

/// Which address stands for another on the other side. Each pair is a translator of its own (section 3.1).
class PrefixTranslation {
 public:
  enum class Found : std::uint8_t {
    none,  ///< no pair's address: not for this translator
    translated,
    no_subnet,  ///< subnet ffff, or an interface identifier of all ones: nothing to adjust (section 3.2)
    null_identifier,  ///< an interface identifier of all zeros, which would have to be adjusted (section 3.7)
  };
  struct Result {
    Found found = Found::none;
    std::uint32_t pair = 0;  ///< which of them, where there is one
    net::Ipv6Address address{};
  };

  /// Translates nothing.
  PrefixTranslation() = default;
  /// `links`: prefixes within an outside one whose addresses are their own. Throws std::invalid_argument for
  /// a pair that is not IPv6, or longer than 64 bits.
  PrefixTranslation(std::vector<PrefixPair> pairs, const std::vector<net::Prefix>& links);

  [[nodiscard]] bool empty() const { return pairs_.empty(); }
  [[nodiscard]] const std::vector<PrefixPair>& pairs() const { return pairs_; }

  /// What an inside address is called outside.
  [[nodiscard]] Result outward(const net::Ipv6Address& inside) const {
    const std::uint32_t* pair = by_inside_.find(inside);
    return pair == nullptr ? Result{} : translate(*pair, inside, rules_[*pair].outward);
  }
  /// What an outside address is called inside.
  [[nodiscard]] Result inward(const net::Ipv6Address& outside) const {
    const std::uint32_t* pair = by_outside_.find(outside);
    return pair == nullptr || *pair == a_link ? Result{} : translate(*pair, outside, rules_[*pair].inward);
  }

 private:
  static constexpr std::uint32_t a_link = 0xffffffff;
  using Pairs = net::LongestPrefixMap<net::Ipv6Address, std::uint32_t>;

  /// One direction of a pair.
  struct Rule {
    std::uint64_t prefix;      ///< what the upper half becomes,
    std::uint64_t mask;        ///< in these bits
    std::uint16_t adjustment;  ///< is added to the word that makes up for it, in one's complement
    bool in_subnet;  ///< that word is bits 48 to 63 (section 3.4); else the identifier's (section 3.5)
  };
  struct Rules {
    Rule outward, inward;
  };

  [[nodiscard]] static Result translate(std::uint32_t pair, const net::Ipv6Address& address,
                                        const Rule& rule);

  std::vector<PrefixPair> pairs_;
  std::vector<Rules> rules_;
  Pairs by_inside_, by_outside_;
};

}  // namespace rgw::nat
