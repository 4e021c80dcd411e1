// A zone on its way to a secondary (AXFR, RFC 5936): message after message, each made when there is room for
// it.
#pragma once

#include "realmgw/dns/query.hpp"
#include "realmgw/dns/zone.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace rgw::dns {

/// The records of one zone as they are when the transfer begins, the SOA first and last. Names of hosts are
/// not among them: their addresses are of the pool, each for one asker. It holds the zones, so a reload does
/// not disturb it.
class ZoneTransfer {
 public:
  /// A message grows no further than this, but for one long record: compression reaches no further.
  static constexpr std::size_t enough = 16'384;

  /// `zone` is one of `zones`.
  ZoneTransfer(std::shared_ptr<const ZoneSet> zones, const Zone& zone, const Query& query);

  /// Writes the next message into `room` (`tcp_size` bytes). Not to be called after the last one.
  [[nodiscard]] std::span<const std::uint8_t> next(std::span<std::uint8_t> room);
  [[nodiscard]] bool done() const { return done_; }
  /// Ends it with an error instead.
  [[nodiscard]] std::span<const std::uint8_t> refuse(Rcode rcode, std::span<std::uint8_t> room);

 private:
  [[nodiscard]] bool put_soa(MessageWriter& writer) const;
  [[nodiscard]] bool put_records(MessageWriter& writer);
  [[nodiscard]] std::span<const std::uint8_t> finish(MessageWriter& writer, Rcode rcode);

  std::shared_ptr<const ZoneSet> zones_;
  const Zone* zone_;
  std::uint16_t id_;
  Question question_;
  std::uint16_t flags_;  // RD, as it came
  bool has_opt_;
  bool begun_ = false, done_ = false;
  Zone::Nodes::const_iterator node_;  // what comes next: a node,
  std::size_t set_ = 0, record_ = 0;  // of its sets, and of that one's records
};

}  // namespace rgw::dns
