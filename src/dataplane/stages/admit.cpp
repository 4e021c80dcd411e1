#include "realmgw/dataplane/events.hpp"
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Admitted;
using nat::Session;
using net::PacketKind;
using ring::OwnAddress;

// ---- to the host's home

// The flow's packets come to this worker, its session lives on another: leave a signpost and pass the packet
// on.
Verdict post(Context& context, Packet& packet, WorkerId home) {
  if (packet.hops == Context::max_hops) return Verdict::drop(Counter::steer_too_many_hops);
  const nat::SessionSlot slot = context.sessions.allocate();
  if (slot == nat::no_session) return Verdict::drop(Counter::session_table_full);
  Session& signpost = context.sessions[slot];
  signpost.signpost = true;
  signpost.set_signpost_id(context.signpost_ids.next(slot));
  signpost.home = home;
  signpost.inside.tail.protocol = packet.tail().protocol;  // a live record
  signpost.outside.tail = packet.tail();
  if (packet.family == net::Family::v4) {
    signpost.outside = packet.key4;
  } else {
    signpost.external6 = packet.key6.near;
    signpost.remote6 = packet.key6.far;
  }
  // Once home has said that there is a session, it outlives that, which sends word now and then.
  signpost.timer = packet.tail().protocol == net::Protocol::tcp    ? nat::TimerClass::tcp_established
                   : packet.tail().protocol == net::Protocol::icmp ? nat::TimerClass::icmp
                                                                   : nat::TimerClass::udp;
  signpost.deadline = context.tick + Context::unconfirmed_signpost;
  if (!context.sessions.publish(slot, context.tick)) {
    context.sessions.discard(slot);
    return Verdict::drop(Counter::session_table_full);
  }
  context.counters.add(Counter::signpost_created);
  return context.to_peer(packet, home, signpost.signpost_id(), ring::SignpostState::fresh);
}

// The session is gone that a signpost was set up for, which is to hear of it: what follows the packet would
// have none. Its owner judges it anew, as the first of a flow.
Verdict turn_back(Context& context, Packet& packet) {
  context.outlets.tell_signpost(packet.from, packet.signpost, PeerMessage::Word::ended);
  packet.signpost = ring::no_signpost;
  return context.to_peer(packet, packet.from);
}

// ---- the verdict of nat::Admission, carried out

Verdict opened(Context& context, Packet& packet, nat::SessionSlot slot) {
  packet.session = slot;
  if (packet.signpost != ring::no_signpost) adopt_signpost(context, context.sessions[slot], packet);
  return Verdict::pass();
}

// Is it a datagram to the gateway's name server that control can answer as it lies there? Fragments, options
// and extension headers are the kernel's to take apart.
bool is_query(const Packet& packet, const OwnAddress* own) {
  const net::FlowTail& tail = packet.tail();
  const be16 port = packet.side() == net::Side::inside ? tail.far_port : tail.near_port;
  const std::size_t plain =
      packet.family == net::Family::v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
  return own != nullptr && own->names && tail.protocol == net::Protocol::udp &&
         port == be16{ring::dns_port} && packet.l4 == plain && packet.kind == PacketKind::flow &&
         !packet.fragment && !packet.hairpinned;
}

// What the gateway itself takes.
Verdict to_gateway(Context& context, Packet& packet, const OwnAddress* own) {
  const bool query = is_query(packet, own);
  if (query && packet.side() == net::Side::outside) {
    context.query_to_control(packet);
  } else {
    context.to_control(packet.mbuf, query ? ring::Purpose::query : ring::Purpose::to_kernel, packet.port);
  }
  return Verdict::taken();
}

Verdict carry_out(Context& context, Packet& packet, const Admitted& admitted, const OwnAddress* own) {
  switch (admitted.kind) {
    case Admitted::Kind::session:
      return opened(context, packet, admitted.slot);
    case Admitted::Kind::replaces:  // once only: the one that was in the way has ended
      return Verdict::drop(Counter::session_conflict);
    case Admitted::Kind::elsewhere:
      if (packet.signpost != ring::no_signpost) return Verdict::drop(Counter::steer_too_many_hops);
      return post(context, packet, admitted.home);
    case Admitted::Kind::kernel:
      return to_gateway(context, packet, own);
    case Admitted::Kind::dropped:
      return Verdict::drop(admitted.why);
    case Admitted::Kind::refused:
      return refuse(context, packet, admitted.why);
  }
  return Verdict::drop(Counter::unmatched);
}

// ---- packets that belong to no session

Verdict to_kernel(Context& context, Packet& packet) {
  context.to_control(packet.mbuf, ring::Purpose::to_kernel, packet.port);
  return Verdict::taken();
}

// There is no room for a new session, of this host or of all.
bool is_shortage(Counter why) {
  return why == Counter::port_exhausted || why == Counter::port_block_refused ||
         why == Counter::sctp_port_taken || why == Counter::proxy_exhausted ||
         why == Counter::session_host_limit || why == Counter::session_host_rate ||
         why == Counter::port_host_limit || why == Counter::session_table_full;
}

// Towards a remote as it is called outside. `origin`: of the packet's source, `source`.
template <class Address, class Remote>
Verdict towards(Context& context, Packet& packet, const Address& source, const Remote& remote,
                const Origin& origin) {
  constexpr bool crosses = Address::family != Remote::family;
  const auto way = context.way(remote);
  const OwnAddress* own = way.own;
  if (own == nullptr && !way.forwards) return Verdict::drop(Counter::martian_destination);
  if constexpr (crosses && Remote::family == net::Family::v4) {
    if (!context.snapshot().policy.pref64->may_show(remote)) return Verdict::drop(Counter::not_represented);
  }
  const ring::NextHop* route = nullptr;
  if (own != nullptr) [[unlikely]] {
    const bool query = packet.kind == PacketKind::icmp_query;
    const net::Service service{packet.tail().protocol,
                               query ? std::uint16_t{0} : packet.tail().far_port.host()};
    if (own->service && !crosses && (!own->shared() || context.snapshot().is_local_service(service))) {
      return to_gateway(context, packet, own);
    }
    if (!origin.forwards) return Verdict::drop(Counter::martian_source);
    if (!context.snapshot().policy.hairpin) return Verdict::drop(Counter::route_same_side);
  } else {
    if (!origin.forwards) return Verdict::drop(Counter::martian_source);
    route = way.route;
    if (route == nullptr) {
      context.report(packet, nat::IcmpError::network_unreachable);
      return Verdict::drop(Counter::no_route);
    }
    if (context.snapshot().port(route->port).side == net::Side::inside)
      return Verdict::drop(Counter::route_same_side);
  }
  if constexpr (Address::family == net::Family::v6 && crosses) {
    if (context.snapshot().policy.pref64->has_suffix() && packet.kind != PacketKind::icmp_error) {
      packet.session = context.admission.session_with(packet, remote);
      packet.respelled = packet.session != nat::no_session;
      if (packet.respelled) return follow_session(context, packet);
    }
  }
  const Admitted admitted = context.admission.outbound(packet, remote, own != nullptr, context.now);
  if (admitted.kind == Admitted::Kind::session) [[likely]] {
    // Both ways are known by now, so `egress` need not look for them.
    Session& session = context.sessions[admitted.slot];
    if (route != nullptr) session.towards_outside = context.next_on(*route, remote);
    if (origin.back != nullptr) session.towards_inside = context.next_on(*origin.back, source);
  } else if (admitted.kind == Admitted::Kind::dropped && is_shortage(admitted.why)) {
    // RFC 6888 REQ-11 B, RFC 6146 section 3.5.1: it may try again later, which "host unreachable" tells;
    // "prohibited" (RFC 5508 REQ-8) would end a connection that opens.
    context.report(packet, nat::IcmpError::host_unreachable);
  }
  return carry_out(context, packet, admitted, own);
}

template <class Address>
Verdict from_inside(Context& context, Packet& packet, const Address& source, const Address& destination,
                    const Origin& origin) {
  if (!context.snapshot().policy.stands_for_remote(destination))
    return towards(context, packet, source, destination, origin);
  const auto remote = context.admission.remote_of(destination, context.now);
  if (!remote) return Verdict::drop(Counter::no_translation);
  return remote->is_v4() ? towards(context, packet, source, remote->v4(), origin)
                         : towards(context, packet, source, remote->v6(), origin);
}

// What the packet asks for at its destination, seen from inside or outside.
net::Service service_of(const Packet& packet) {
  const net::FlowTail& tail = packet.tail();
  if (tail.protocol == net::Protocol::icmp) return {tail.protocol, 0};
  return {tail.protocol, (packet.side() == net::Side::inside ? tail.far_port : tail.near_port).host()};
}

Verdict from_outside(Context& context, Packet& packet, const OwnAddress* own, const Origin& origin,
                     bool& ended) {
  if (own == nullptr) return Verdict::drop(Counter::not_own_destination);
  if (own->service && !own->shared()) return to_gateway(context, packet, own);
  if (packet.kind == PacketKind::other && own->service) return to_kernel(context, packet);
  const bool local = own->service && context.snapshot().is_local_service(service_of(packet));
  if (!origin.forwards && !local) return Verdict::drop(Counter::martian_source);
  if (packet.hop_limit() <= 1 && !packet.hairpinned && !local &&
      context.admission.would_admit(packet, own->service, context.now)) {
    // It would not reach the host, so it spends no reservation (POOL-5).
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  const auto ask = [&] {
    return context.admission.inbound(packet, own->service, packet.hairpinned, context.now);
  };
  // Since this turn began its reservation may have come in, or the one that it would take have been withdrawn
  // for another host.
  static_cast<void>(handle_events(context));
  Admitted admitted = ask();
  if (admitted.kind == Admitted::Kind::replaces) {
    context.book.end(admitted.slot, Counter::session_ended);
    ended = true;
    admitted = ask();
  }
  return carry_out(context, packet, admitted, own);
}

// The session that a packet before this one has opened, in the same burst.
Verdict look_again(Context& context, Packet& packet) {
  if (packet.session != nat::no_session || packet.kind == PacketKind::other) return Verdict::pass();
  packet.session = packet.family == net::Family::v4 ? context.sessions.find(packet.key4, packet.hash)
                                                    : context.sessions.find(packet.key6, packet.hash);
  return packet.session == nat::no_session ? Verdict::pass() : follow_session(context, packet);
}

// A packet that belongs to no session, from and to addresses of its own family.
template <class Address>
Verdict admit_first(Context& context, Packet& packet, const Address& source, const Address& destination,
                    bool& ended) {
  // DHCP, router discovery and their like: the kernel's daemons listen, whatever the source is.
  if (is_group(context, packet.port, destination)) return to_kernel(context, packet);
  if constexpr (Address::family == net::Family::v6) {  // the kernel has one of its own on each port
    if (destination.is_link_local() && packet.kind == PacketKind::other) return to_kernel(context, packet);
  }
  Origin origin;
  if (const Verdict guarded = guard_source(context, packet, source, origin); !guarded.passed())
    return guarded;
  const auto& way = context.way(destination);
  if (!way.forwards && way.own == nullptr) return Verdict::drop(Counter::martian_destination);
  return packet.side() == net::Side::inside ? from_inside(context, packet, source, destination, origin)
                                            : from_outside(context, packet, way.own, origin, ended);
}

const OwnAddress* own_destination(Context& context, const Packet& packet) {
  return packet.family == net::Family::v4 ? context.way(packet.key4.near).own
                                          : context.way(packet.key6.near).own;
}

// A connection that has ended gives way to a SYN that is let in (POOL-5); a session that stands back, to a
// claim of another host (POOL-14). Not where the packet came too late for such a claim, perhaps its own: it
// is lost, rather than led to a host that it may not be meant for.
nat::Admission::Beside judge(Context& context, const Packet& packet) {
  using Beside = nat::Admission::Beside;
  const Session& session = context.sessions[packet.session];
  if (session.protocol() == net::Protocol::tcp) {
    const OwnAddress* own = own_destination(context, packet);
    return context.admission.would_admit(packet, own != nullptr && own->service, context.now)
               ? Beside::claims
               : Beside::nothing;
  }
  const nat::Tick deadline = context.tick + context.realm.timeouts[static_cast<std::size_t>(session.timer)];
  return context.stands_back(session, deadline) ? context.admission.beside(packet, session, context.now)
                                                : Beside::nothing;
}

// A packet of a session that was to be judged, and stays.
Verdict go_on(Context& context, Packet& packet) {
  Session& session = context.sessions[packet.session];
  if (session.protocol() == net::Protocol::tcp) {
    return session.tcp_state == nat::TcpState::trans ? Verdict::pass()
                                                     : refuse(context, packet, Counter::unmatched);
  }
  nat::SessionTable::extend(session,
                            context.tick + context.realm.timeouts[static_cast<std::size_t>(session.timer)]);
  return Verdict::pass();
}

// `ended`: has a session ended since this burst was looked up?
Verdict admit_one(Context& context, Packet& packet, bool& ended) {
  if (ended) [[unlikely]]
    packet.session = nat::no_session;  // it may be of that one
  if (const Verdict seen = look_again(context, packet); !seen.passed()) return seen;
  if (packet.session != nat::no_session) {
    if (!packet.reconsider) [[likely]] {
      // An error may come from any router on the way, so the session does not vouch for its source.
      return packet.kind == PacketKind::icmp_error
                 ? guard_error(context, packet, context.sessions[packet.session])
                 : Verdict::pass();
    }
    switch (judge(context, packet)) {
      case nat::Admission::Beside::nothing:
        return go_on(context, packet);
      case nat::Admission::Beside::spent:
        return Verdict::drop(Counter::claim_spent);
      case nat::Admission::Beside::expired:
        return Verdict::drop(Counter::claim_expired);
      case nat::Admission::Beside::claims:
        break;
    }
    const Session& former = context.sessions[packet.session];
    const bool posted = former.posted;
    const WorkerId owner = former.home;
    context.book.end(packet.session, Counter::session_ended);
    ended = true;
    packet.session = nat::no_session;
    packet.signpost = ring::no_signpost;
    if (posted)
      return context.to_peer(packet, owner);  // who, its signpost gone, sees it as the first of a flow
  }
  if (packet.signpost != ring::no_signpost && packet.signpost_state != ring::SignpostState::fresh)
    return turn_back(context, packet);

  if (packet.family == net::Family::v4) {
    const auto& ip = packet.ipv4();
    return admit_first(context, packet, ip.source, ip.destination, ended);
  }
  const auto& ip = packet.ipv6();
  return admit_first(context, packet, ip.source, ip.destination, ended);
}

// Asks for what the first packets of the batch will read, before the first of them is judged.
void prefetch(const Context& context, Batch& batch) {
  std::uint32_t misses = 0;
  bool arrivals = false;
  for (const Packet* packet : batch) {
    if (packet->session != nat::no_session) continue;
    if (packet->side() == net::Side::inside) {
      context.admission.prefetch_outbound(*packet, misses++);
    } else {
      context.admission.prefetch_reservation(*packet);
      arrivals = true;
    }
  }
  if (!arrivals) return;
  for (const Packet* packet : batch) {
    if (packet->session == nat::no_session && packet->side() == net::Side::outside)
      context.admission.prefetch_inbound(*packet, misses++);
  }
}

}  // namespace

void admit(Context& context, Batch& batch) {
  if (!batch.to_admit) [[likely]]
    return;
  prefetch(context, batch);
  bool ended = false;
  batch.sift([&](Packet& packet) { return admit_one(context, packet, ended); },
             [&](Packet& packet, Counter why) {
               // The signpost by which it came leads to nothing.
               if (packet.signpost != ring::no_signpost && packet.session == nat::no_session) {
                 context.outlets.tell_signpost(packet.from, packet.signpost, PeerMessage::Word::ended);
               }
               context.discard(packet, why);
             });
}

}  // namespace rgw::dataplane::stages
