// Hears of one worker's sessions and blocks of ports, and tells the session log.
#pragma once

#include "realmgw/config/realm.hpp"
#include "realmgw/nat/session_book.hpp"
#include "realmgw/session_log/lane.hpp"

namespace rgw::session_log {

/// What it tells: of `per: session` each session; of `per: block` each block, and each session that stands on
/// no port of one.
class Scribe final : public nat::SessionObserver {
 public:
  /// What it refers to outlives it. `now`: the worker's time, which the worker alone changes.
  Scribe(const nat::SessionBook& book, const Instant& now, const config::SessionLog& what, Lane& lane,
         CounterBlock& counters)
      : book_{book},
        now_{now},
        blocks_only_{what.per == config::SessionLog::Per::block},
        destinations_{what.destinations},
        lane_{lane},
        counters_{counters} {}

  /// Refuses none.
  [[nodiscard]] std::optional<Counter> session_began(nat::SessionSlot slot,
                                                     const nat::NewGround& ground) override;
  void session_ends(nat::SessionSlot slot, Counter why) override;
  void port_block_began(const nat::PortBlock& block) override;
  void port_block_ended(const nat::PortBlock& block) override;

 private:
  [[nodiscard]] bool tells_of(const nat::Session& session) const {
    return !blocks_only_ || !book_.in_block(session);
  }
  [[nodiscard]] Record record(nat::SessionSlot slot, Record::Event event) const;
  void put(const nat::PortBlock& block, Record::Event event);
  void put(const Record& record) {
    if (!lane_.put(record)) counters_.add(Counter::session_log_lost);
  }

  const nat::SessionBook& book_;
  const Instant& now_;
  const bool blocks_only_, destinations_;
  Lane& lane_;
  CounterBlock& counters_;
};

}  // namespace rgw::session_log
