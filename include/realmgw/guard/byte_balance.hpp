// No amplification: whoever has not proven his address is sent no more than he sends (GUARD-7).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/guard/prefix_table.hpp"

#include <cstddef>
#include <cstdint>

namespace rgw::guard {

/// Counts bytes of DNS messages, not answers. A prefix earns 80 % of what it sends; what an answer takes
/// beyond that is a gift, of which a prefix and all of them together get so much a second:
/// out <= 0.8 in + 64 KiB/s, whatever is asked. One thread.
class ByteBalance {
 public:
  struct Limits {
    std::uint32_t prefix_rate = 1024, prefix_burst = 4096;  ///< bytes given, each second and at most at once
    std::uint32_t rate = 65536, burst = 65536;              ///< to all prefixes together
  };

  ByteBalance(const Limits& limits, const HashSalt& salt, Instant now)
      : limits_{limits}, prefixes_{salt}, left_{static_cast<double>(limits.burst)}, at_{now} {}

  /// A query of so many bytes came.
  void received(const AskerPrefix& prefix, std::size_t bytes, Instant now);
  /// May an answer of so many bytes leave? Then it is paid for.
  [[nodiscard]] bool pay(const AskerPrefix& prefix, std::size_t bytes, Instant now);
  /// For an answer that may not: every other time the prefix is told to come by TCP, in so many bytes, where
  /// it has earned them. Then they are paid for.
  [[nodiscard]] bool pay_for_word(const AskerPrefix& prefix, std::size_t bytes);

 private:
  struct Record {
    float earned = 0, given = 0;  ///< bytes
    std::uint32_t at = 0;         ///< milliseconds, when `given` was right
    bool known = false;           ///< it has had its first gift
    bool told = false;
    [[nodiscard]] bool gives_way_to(bool) const { return true; }
  };

  void refill(Record& record, Instant now);
  [[nodiscard]] Record& record_of(const AskerPrefix& prefix, Instant now);

  Limits limits_;
  PrefixTable<Record> prefixes_;
  double left_;
  Instant at_;
};

}  // namespace rgw::guard
