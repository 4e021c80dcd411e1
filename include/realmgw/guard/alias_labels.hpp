// Names that prove who asks for them: a label that only whoever was sent it knows (GUARD-1). Nothing is
// remembered of those that were given out.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/siphash.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/guard/asker.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rgw::guard {

/// What an alias stands for, and whom it was given to.
struct Alias {
  HostId host;
  net::Service service;
  std::uint32_t second = 0;  ///< of the clock, when it was made
  std::uint32_t asker = 0;   ///< stands for his prefix
};

/// Makes labels and reads them: base32hex (RFC 4648 section 7), in letters of either case, of the time, the
/// host, the service, the asker and a MAC of 64 bits over them, by SipHash-2-4.
class AliasLabels {
 public:
  /// Letters of a label; none of another length is read.
  static constexpr std::size_t size = 37;
  using Label = std::array<char, size>;
  static constexpr std::chrono::seconds valid{5};

  explicit AliasLabels(const SipKey& key) : key_{key} {}

  [[nodiscard]] Label make(HostId host, const net::Service& service, const AskerPrefix& asker,
                           Instant now) const;
  /// Nothing where it was not made here. Whose it is, and whether it is still good, is another question.
  [[nodiscard]] std::optional<Alias> read(std::string_view label) const;
  /// Was it given to that prefix, no more than `valid` ago?
  [[nodiscard]] bool proves(const Alias& alias, const AskerPrefix& asker, Instant now) const;

 private:
  // 4 bytes each of the second, the host and the asker, 1 of the protocol, 2 of the port; then 8 of the MAC.
  static constexpr std::size_t head_size = 15, bytes = head_size + 8;
  static_assert(size == (bytes * 8 + 4) / 5);

  [[nodiscard]] std::uint32_t stands_for(const AskerPrefix& asker) const;

  SipKey key_;
};

}  // namespace rgw::guard
