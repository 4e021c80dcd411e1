// The first packet of a flow: may there be a session, with which external address and port, and whose is it?
// One worker's part; no allocation, every search bounded.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/base/random.hpp"
#include "realmgw/nat/flow_gate.hpp"
#include "realmgw/nat/mapping_info.hpp"
#include "realmgw/nat/opening.hpp"
#include "realmgw/nat/pinhole_info.hpp"
#include "realmgw/nat/session_book.hpp"
#include "realmgw/net/packet.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace rgw::nat {

/// What becomes of a packet that no session was found for.
struct Admitted {
  enum class Kind : std::uint8_t {
    session,    ///< there is one now: `slot`
    replaces,   ///< session `slot` has the same ends inside: end it, and ask again (POOL-14)
    elsewhere,  ///< its host lives on worker `home`, which is to judge
    kernel,     ///< the gateway itself serves this
    dropped,    ///< in silence, as `why`
    refused,    ///< as `why`, and whoever sent it may be told (OUT-6)
  };
  Kind kind;
  SessionSlot slot = no_session;
  WorkerId home{};
  Counter why{};

  static Admitted session(SessionSlot slot) { return {Kind::session, slot}; }
  static Admitted replaces(SessionSlot former) { return {Kind::replaces, former}; }
  static Admitted elsewhere(WorkerId home) { return {Kind::elsewhere, no_session, home}; }
  static Admitted dropped(Counter why) { return {Kind::dropped, no_session, {}, why}; }
  /// As `why`, which makes the packet unfit to open a session. Who sends a segment of a connection that
  /// nobody knows may be told.
  static Admitted not_opened(Counter why) {
    return why == Counter::tcp_not_syn ? refused(why) : dropped(why);
  }
  static Admitted refused(Counter why) { return {Kind::refused, no_session, {}, why}; }
};

/// By which rule a packet from outside that belongs to no session is let in. The order in which they are
/// asked is POOL-11's.
struct WayIn {
  enum class Rule : std::uint8_t {
    static_mapping,
    pinhole,        ///< on a port of `alg.pinhole_ports` here, on another one behind the reservations
    mapping,        ///< endpoint-independent, and its filtering lets the remote in
    local_service,  ///< it is the gateway's own
    reservation,
    none,  ///< refused, as `why`
  };
  Rule rule = Rule::none;
  net::Endpoint inside{};   ///< whom the packet reaches, where a rule leads to a host
  std::uint32_t index = 0;  ///< of the static mapping, pinhole or mapping
  std::optional<BindingTable::Found> claim{};
  Counter why{};
};

/// Which rule in force a session stands on.
enum class Standing : std::uint8_t {
  none,   ///< on nothing that there is any more
  fixed,  ///< a static mapping
  port,   ///< a port of an external address, by itself or by its mapping
  local,  ///< it is the gateway's own
  other,  ///< a claim, a pinhole, or nothing: the session's record tells
};

/// Decides on first packets. What comes of that is the SessionBook's.
class Admission {
 public:
  /// The book and the randomness outlive this.
  Admission(SessionBook& book, Random& random);

  /// Asks it before anything opens from outside; it outlives the last packet.
  void ask(FlowGate* gate) { gate_ = gate; }

  /// A packet from inside to `remote`, which is whom its destination stands for (`remote_of`). `hairpin`: the
  /// remote is an address of this gateway (OUT-4).
  [[nodiscard]] Admitted outbound(const net::Packet& packet, const net::Ipv4Address& remote, bool hairpin,
                                  Instant now);
  [[nodiscard]] Admitted outbound(const net::Packet& packet, const net::Ipv6Address& remote, bool hairpin,
                                  Instant now);
  /// Asks for the memory that `outbound` will read for a packet, where that can be guessed, so that the
  /// misses of a burst overlap. `n`: how many go before it.
  void prefetch_outbound(const net::Packet& packet, std::uint32_t n) const {
    packet.family == net::Family::v4 ? prefetch(packet.key4, n) : prefetch(packet.key6, n);
  }
  /// The same of `inbound`, in two steps: where its reservation is looked for, and, once that has come, what
  /// the session with the host will use.
  void prefetch_reservation(const net::Packet& packet) const {
    packet.family == net::Family::v4 ? prefetch_reservation(packet.key4) : prefetch_reservation(packet.key6);
  }
  void prefetch_inbound(const net::Packet& packet, std::uint32_t n) const {
    packet.family == net::Family::v4 ? prefetch_inbound(packet.key4, n) : prefetch_inbound(packet.key6, n);
  }
  /// A packet of the gateway's own kernel from an address that it shares, as seen from inside (OUT-9).
  [[nodiscard]] Admitted local(const net::Packet& packet, Instant now);
  /// By which rule a packet from outside, or hairpinned, to an address that is shared would be let in;
  /// `service`: the gateway's own services are reached there. Nothing is changed by asking. Where the host
  /// lives on another worker, that one has the last word.
  [[nodiscard]] WayIn way_in(const net::Packet& packet, bool service, Instant now) const {
    return way_in(packet, service, !cannot_open(packet), now);
  }
  /// The same decided, and carried out.
  [[nodiscard]] Admitted inbound(const net::Packet& packet, bool service, bool hairpin, Instant now);

  /// Whom an inside packet's destination stands for outside: an IPv4 address that an IPv6 one holds, the IPv6
  /// remote behind a proxy address, or itself. Nothing for a proxy address that stands for nobody.
  [[nodiscard]] std::optional<net::IpAddress> remote_of(const net::IpAddress& destination, Instant now) const;

  /// The session that an IPv6 host has with an IPv4 remote from this very port, whom it calls by another
  /// spelling there (RFC 6052 section 2.2: the suffix is not looked at); `no_session` where there is none.
  [[nodiscard]] SessionSlot session_with(const net::Packet& packet, const net::Ipv4Address& remote) const;

  /// Would a new connection like this packet be let in, even if all sessions with its remote were to end
  /// before?
  [[nodiscard]] bool would_admit(const net::Packet& packet, bool service, Instant now) const;

  /// The ordinary session between the `nth` inside end of a pinhole that is open, and a remote as that sees
  /// it; `no_session` where there is none, or where it has the pinhole's external end already.
  [[nodiscard]] SessionSlot gives_way_to(std::uint64_t pinhole, std::uint8_t nth, const net::Endpoint& remote,
                                         Instant now) const;

  /// What a reservation of a packet's very service for another host than its session's makes of it (POOL-14).
  enum class Beside : std::uint8_t {
    nothing,  ///< there is none
    claims,   ///< were it not of the session, it would claim it
    spent,    ///< its claims were taken a moment ago, perhaps the packet's own among them
    expired   ///< it ended a moment ago
  };
  [[nodiscard]] Beside beside(const net::Packet& packet, const Session& session, Instant now) const;

  /// Which rule in force does a session stand on that began by other rules?
  [[nodiscard]] Standing standing(const Session& session) const;
  /// A host of ours asks for a mapping (RFC 6887 section 11.3): the one that it has, or a new one. It is open
  /// until `hold` says otherwise.
  [[nodiscard]] MapGrant map(const MapWish& wish, Instant now);
  /// Closes such a mapping, or lets go of it; one that there is not is ignored.
  void hold(const MappingName& name, Hold hold);

  /// For an operator: the mappings of this worker's hosts from `cursor` on (0 at first), static ones first,
  /// into `rows`, whose number becomes `count`. Looks at a bounded part of the table.
  struct Listed {
    std::uint32_t next;  ///< where to go on
    bool last;           ///< there are no more
  };
  Listed list_mappings(std::uint32_t cursor, std::span<MappingInfo> rows, std::uint32_t& count) const;
  /// The same of pinholes.
  Listed list_pinholes(std::uint32_t cursor, std::span<PinholeInfo> rows, std::uint32_t& count,
                       Instant now) const;

 private:
  using NewSession = SessionBook::NewSession;
  /// `far`: the remote as it is called outside, in whose family the session leaves.
  template <class Inside, class Outside>
  [[nodiscard]] Admitted outbound_to(const net::FlowKey<Inside>& inside, const Outside& far, bool hairpin,
                                     Instant now);
  template <class Inside>
  void prefetch(const net::FlowKey<Inside>& inside, std::uint32_t n) const;
  /// Asks for what the choice of an external port reads, should it be the host's own one at the first address
  /// that is tried.
  template <class Inside, class Outside>
  void prefetch_outside(const net::FlowKey<Inside>& inside, const Outside& far, std::uint32_t n) const;
  template <class Outside>
  void prefetch_reservation(const net::FlowKey<Outside>& outside) const;
  template <class Outside>
  void prefetch_inbound(const net::FlowKey<Outside>& outside, std::uint32_t n) const;
  template <class Inside, class Outside>
  [[nodiscard]] Admitted open_session(const net::FlowKey<Inside>& inside,
                                      const net::FlowKey<Outside>& outside, const NewSession& how,
                                      Instant now);
  [[nodiscard]] Admitted open_inbound(const net::Packet& packet, const net::Endpoint& inside,
                                      const NewSession& how, Instant now);
  template <class Outside, class Inside>
  [[nodiscard]] Admitted open_between(const net::FlowKey<Outside>& outside, net::FlowKey<Inside> inside,
                                      NewSession how, Instant now);
  template <class Inside>
  [[nodiscard]] std::optional<std::uint64_t> rename_remote(net::FlowKey<Inside>& inside);

  [[nodiscard]] WayIn way_in(const net::Packet& packet, bool service, bool opens, Instant now) const;
  [[nodiscard]] std::optional<WayIn> by_pinhole(const net::Packet& packet, bool opens, Instant now) const;
  [[nodiscard]] bool filter_lets_in(MappingTable::Id mapping, const net::IpAddress& remote) const;
  [[nodiscard]] bool local_service(net::Service service) const;

  [[nodiscard]] const Policy& policy() const { return book_.policy(); }

  SessionBook& book_;
  SessionTable& sessions_;
  Random& random_;
  FlowGate* gate_ = nullptr;
};

}  // namespace rgw::nat
