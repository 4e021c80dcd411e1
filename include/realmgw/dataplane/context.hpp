// What the stages of one worker share: its tables, its outlets, its rings to control, its clock. Hot path.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/random.hpp"
#include "realmgw/dataplane/arrival_rates.hpp"
#include "realmgw/dataplane/batch.hpp"
#include "realmgw/dataplane/capture_point.hpp"
#include "realmgw/dataplane/companions.hpp"
#include "realmgw/dataplane/drops.hpp"
#include "realmgw/dataplane/neighbour_table.hpp"
#include "realmgw/dataplane/outlets.hpp"
#include "realmgw/dataplane/peers.hpp"
#include "realmgw/dataplane/port.hpp"
#include "realmgw/dataplane/realm_view.hpp"
#include "realmgw/dataplane/session_news.hpp"
#include "realmgw/dataplane/signpost_ids.hpp"
#include "realmgw/nat/admission.hpp"
#include "realmgw/nat/fragment_table.hpp"
#include "realmgw/nat/ownership.hpp"
#include "realmgw/nat/replies.hpp"
#include "realmgw/nat/session_table.hpp"
#include "realmgw/nat/stored_syns.hpp"
#include "realmgw/nat/token_bucket.hpp"
#include "realmgw/ring/messages.hpp"
#include "realmgw/ring/packet_buffer.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace rgw::dataplane {

/// What a worker is made of. Everything pointed to outlives it.
struct WorkerParts {
  WorkerId id;
  std::shared_ptr<const ring::Snapshot> snapshot;
  std::span<const std::unique_ptr<Port>> ports;
  PeerMesh* peers;
  ring::ControlRings* control;
  rte_mempool* pool;
  const Clock* clock;
  std::uint64_t seed;         ///< of its own randomness
  std::uint64_t shared_seed;  ///< the same for all workers: the law of ownership is salted with it
};

/// One worker's state. Only that worker touches it, except for `counters`, which all may read.
class Context {
 public:
  explicit Context(const WorkerParts& parts);

  const WorkerId id;
  const std::span<const std::unique_ptr<Port>> ports;
  PeerMesh& peers;
  ring::ControlRings& control;
  rte_mempool* const pool;
  const Clock& clock;

  CounterBlock counters;
  Drops drops;
  CapturePoint signalling;  ///< what ALGs read, and what they make of it
  Random random;
  const HashSalt salt;         ///< of this worker's tables
  const HashSalt shared_salt;  ///< of what all workers must agree on
  const nat::Ownership ownership;
  nat::SessionTable sessions;
  SignpostIds signpost_ids;
  nat::BindingTable bindings;
  nat::SessionBook book;
  nat::Admission admission;
  nat::StoredSyns syns;
  nat::FragmentTable fragments;
  NeighbourTable neighbours;
  nat::TokenBucket error_budget;  ///< ICMP errors
  nat::TokenBucket reset_budget;  ///< TCP resets and refusals
  Outlets outlets;
  RealmView realm;
  ArrivalRates arrivals;

  Instant now{};     ///< read once a burst
  nat::Tick tick{};  ///< the same, as sessions keep time
  /// Packets that turned round at translation, or fragments whose first one has come: each with its note, to
  /// be taken up again after this burst. Bounded by what a burst and the fragment table hold.
  std::vector<rte_mbuf*> again;
  Batch mapped;                        ///< scratch of the stage `map`
  std::array<bool, 2> mostly_peers{};  ///< by side: most of the last burst were peers' packets

  // -- a change of the realm
  ring::WorkerRealm* next_realm = nullptr;  ///< to be taken up before the next burst
  /// Sessions in [next, end) have not been looked at since the last change.
  struct Sweep {
    bool under_way = false;
    nat::Tick changed = 0;  ///< when
    nat::SessionSlot next = 0, end = 0;
    std::uint32_t ended = 0;
  } sweep;

  /// The operator's wish to end sessions (OPS-3). Those in [next, end) have not been looked at yet.
  struct Deletion {
    const nat::SessionFilter* filter = nullptr;  ///< control's; null: there is no wish
    nat::SessionSlot next = 0, end = 0;
    std::uint32_t ended = 0;
  } deletion;

  // -- sessions that ALGs have to do with
  const std::uint32_t max_inspected;
  std::uint32_t inspected = 0;  ///< sessions that are read
  Companions companions;
  /// What control must hear and its ring had no room for, in order. Its length is bounded: one for each
  /// companion and pinhole, one for each mapping asked for at one time, one for a survey, two for each
  /// session and reservation. None of these is made while control stands still.
  std::deque<ring::ToControl> reports;
  /// Pinholes that control has closed. Their sessions end before the next burst, when no packet of theirs is
  /// in the stages.
  std::vector<nat::PinholeTable::Index> closing;
  /// Remotes that pinholes have met since the last burst. An ordinary session between the two ends before the
  /// next burst. No more entries than events in a turn.
  std::vector<ring::PinholeMet> met;

  /// What the realm says about an address; good until the next call.
  [[nodiscard]] const Ways<net::Ipv4Address>::Way& way(const net::Ipv4Address& address) {
    return realm.ways4.to(address);
  }
  [[nodiscard]] const Ways<net::Ipv6Address>::Way& way(const net::Ipv6Address& address) {
    return realm.ways6.to(address);
  }
  [[nodiscard]] const ring::Snapshot& snapshot() const { return *realm.snapshot; }
  [[nodiscard]] const SessionsByExternal& sessions_by_external() const { return news_.by_external(); }

  // -- ways off the path; each takes the packet buffer over
  void drop(rte_mbuf* mbuf, Counter why) { drops.drop(mbuf, why); }
  /// Hands a query from outside to control. Where queries wait there already, and its sender's prefix asks
  /// too fast, it is dropped: it would only keep the others waiting (GUARD-6).
  void query_to_control(const Packet& packet);
  /// Hands a packet to control with a purpose; counts it as `punt_ring_full`, or a query as
  /// `query_ring_full`, where that is not possible.
  void to_control(rte_mbuf* mbuf, ring::Purpose purpose, PortId port);
  void to_control(rte_mbuf* mbuf, ring::Purpose purpose, PortId port, const net::IpAddress& next_hop);
  /// Makes the mbuf's data the frame of the packet as it is now: 14 bytes of Ethernet header, which keeps its
  /// addresses, before the IP header, and nothing behind the packet.
  static void reframe(const Packet& packet);
  /// Writes a packet's note so that whoever takes it up goes on where it is now.
  void write_note(const Packet& packet, std::uint32_t signpost = ring::no_signpost) const;
  /// Hands a packet to a peer, which goes on with it; `signpost`: by which of ours it went.
  [[nodiscard]] Verdict to_peer(Packet& packet, WorkerId peer, std::uint32_t signpost = ring::no_signpost,
                                ring::SignpostState state = ring::SignpostState::confirmed);
  /// Sends an IP packet of the gateway's own making back the way `cause` came.
  void answer(const Packet& cause, std::span<const std::uint8_t> ip_packet);
  /// Tells the sender of a packet, which has not been translated yet, what became of it; by rate (OUT-5).
  void report(const Packet& cause, nat::IcmpError error, std::uint32_t word = 0);
  /// Drops a packet, which has not been translated yet. Its sender is told where it cannot go to the other
  /// family (RFC 7915 sections 4.4 and 5.4): the one place that knows for which reasons.
  void discard(const Packet& packet, Counter why);
  /// Tells control, in order and without fail.
  void report_to_control(const ring::ToControl& event);
  /// Sends what waits in `reports`.
  void send_reports();
  /// Our own signpost of that name; `no_session` where it is over.
  [[nodiscard]] nat::SessionSlot signpost_named(std::uint32_t name) const;
  /// How long a signpost lasts while its home has not said that a session stands. Packets do not lengthen it.
  /// Home says so in its next turn, so this is enough. Where home refuses a flood and its message is lost,
  /// the flood fills the table for no longer than this. A SYN that waits (RFC 5382 REQ-4) has as long.
  static constexpr nat::Tick unconfirmed_signpost = nat::ticks_of(std::chrono::seconds{6});
  /// A packet, or home's word, keeps a confirmed signpost: twice as long as its session lasts without a
  /// packet, so that home's next word comes before it ends.
  void keep_signpost(nat::Session& signpost) const {
    nat::SessionTable::extend(signpost, tick + 2 * realm.timeouts[static_cast<std::size_t>(signpost.timer)]);
  }
  /// Does a packet from there keep its session as it is alive for longer? From inside it must (RFC 4787
  /// REQ-6).
  [[nodiscard]] bool refreshes(net::Side from) const {
    return from == net::Side::inside || snapshot().policy.inbound_refresh;
  }
  /// May the session give way to a reservation of another host (POOL-14), because no packet has kept it alive
  /// for longer than `hold`? Then its next packet from outside is judged. `deadline`: what a packet gives it
  /// now.
  [[nodiscard]] bool stands_back(const nat::Session& session, nat::Tick deadline) const {
    return static_cast<std::int32_t>(deadline - session.deadline) > realm.hold &&
           session.origin == nat::Session::Origin::inbound &&
           (session.protocol() == net::Protocol::udp || session.protocol() == net::Protocol::icmp);
  }
  /// The gateway's own address towards a sender on this port: what errors come from.
  [[nodiscard]] const net::IpAddress* own_address_on(PortId port, net::Family family) const;
  /// What an ICMP error that leaves by `error.port` comes from in the other family, where its sender, a
  /// router, has no address there (RFC 6791): of IPv4 one of the operator's, always the same for one router,
  /// else the gateway's own.
  [[nodiscard]] std::optional<net::IpAddress> stand_in_for(const Packet& error) const;
  /// Who is next on a route to `destination`; `no_neighbour` where that is not known.
  template <class Address>
  [[nodiscard]] NeighbourIndex next_on(const ring::NextHop& route, const Address& destination) {
    if (!route.gateway) return neighbours.find(route.port, destination);
    RealmView::Router& router =
        realm.routers[reinterpret_cast<std::uintptr_t>(&route) / sizeof(route) % realm.routers.size()];
    if (router.route != &route || neighbours.find(router.index) == nullptr)
      router = {&route, neighbours.find(route.port, *route.gateway)};
    return router.index;
  }
  /// At the end of a turn: sends what waits in the outlets.
  void flush();

  /// How often a packet may go from worker to worker: fragment's meeting place, owner, home, and once more
  /// hairpinned.
  static constexpr std::uint8_t max_hops = 6;

 private:
  SessionNews news_{*this};
};

}  // namespace rgw::dataplane
