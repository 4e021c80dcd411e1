// Reads and edits the signalling that workers hand over (ALG-1 to ALG-5).
#pragma once

#include "realmgw/alg/alg.hpp"
#include "realmgw/alg/stream_editor.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/control/alg_packet.hpp"
#include "realmgw/control/pinhole_book.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/nat/ownership.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

struct rte_mempool;

namespace rgw::control {

/// One for all ALGs, with a table of its own. Its work a turn is bounded, and so is what it holds: sessions
/// by the workers' tables, text by `alg.max_memory_mib`, pinholes by the book.
class AlgService {
 public:
  static constexpr unsigned packets_per_turn = 128;  ///< from one worker
  static constexpr std::chrono::seconds house_interval{1};

  /// What is referred to outlives it. `take_events` reads what a worker's ring of events holds at this
  /// moment: a session is announced there before its first packet.
  AlgService(const RealmInForce& realm, WorkerLinks& workers, const nat::Ownership& ownership,
             const pool::HostNames& hosts, CounterBlock& counters, rte_mempool* packets,
             PinholeBook::ProxyOf proxy_of, std::function<void(WorkerId)> take_events);
  AlgService(const AlgService&) = delete;
  AlgService& operator=(const AlgService&) = delete;
  ~AlgService();

  void begun(const ring::InspectionBegun& begun);
  void ended(const ring::InspectionEnded& ended);
  void ended(const ring::PinholeEnded& ended) { book_.ended(ended.id); }

  /// Reads what lies in the workers' rings, and repeats what is due. True where there was something.
  bool step(Instant now);
  /// Goes by the realm that is in force now. What is read already is read to its end.
  void realm_changed();
  /// Drops what lies in the rings: the workers have stopped.
  void drain();

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] const PinholeBook& book() const { return book_; }
  /// Bytes of text held back.
  [[nodiscard]] std::size_t memory() const { return memory_; }
  /// `realmgwctl alg`, as JSON.
  [[nodiscard]] std::string report() const;

 private:
  struct IdHash {
    std::size_t operator()(const ring::CompanionId& id) const {
      return std::hash<std::uint64_t>{}(std::uint64_t{id.generation} << 32 |
                                        std::uint64_t{id.worker.value()} << 16 | id.place);
    }
  };
  struct Session {
    ring::CompanionId id;
    std::uint8_t alg = 0;
    alg::Conversation conversation;
    std::unique_ptr<alg::Inspector> inspector;
    std::optional<alg::StreamEditor> editor;  ///< of TCP
    std::array<Envelope, 2> envelopes;        ///< by side
    std::optional<std::uint32_t> first;       ///< the opener's SYN
    std::size_t memory = 0;
    std::optional<Instant> due;
    Instant next_keep{};
    bool released = false;  ///< the worker has the maps
  };
  struct Reader {
    std::unique_ptr<alg::Alg> alg;  ///< empty: off
    std::uint64_t sessions = 0;     ///< ever begun
    std::size_t open = 0;           ///< now
  };

  void read(ring::PacketBuffer packet, Instant now);
  void read_segment(Session& session, net::Side from, const net::Packet& packet, Instant now);
  void read_datagram(Session& session, net::Side from, const net::Packet& packet, Instant now);
  void renew(Session& session);
  void make_readers();
  void send(Session& session, const std::vector<alg::StreamEditor::Output>& outputs);
  void send(Session& session, net::Side from, std::span<const std::uint8_t> transport, bool cut);
  void settle(Session& session);
  void unsettle(Session& session);
  void repeat(Instant now);
  void keep_house(Instant now);

  const RealmInForce& realm_;
  WorkerLinks& workers_;
  CounterBlock& counters_;
  rte_mempool* packets_;
  std::function<void(WorkerId)> take_events_;
  PinholeBook book_;
  std::vector<Reader> readers_;  ///< as alg::registrations()
  std::unordered_map<ring::CompanionId, Session, IdHash> sessions_;
  std::set<std::pair<Instant, Session*>> due_;
  std::size_t memory_ = 0;
  std::uint16_t identification_ = 0;
  Instant next_house_{};
};

}  // namespace rgw::control
