#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

namespace rgw::dataplane::stages {
namespace {

using net::EthernetHeader;

// Does NAT have to know of this packet? Only where it leaves from an address that hosts and pool use as well,
// and is no answer of a service that keeps its port to itself.
bool needs_session(const Context& context, const Packet& packet) {
  const auto* own = context.snapshot().own_address(packet.source());
  if (own == nullptr || !own->shared()) return false;
  // What it says about a packet that came through a session must quote that packet as its sender knows it.
  if (packet.kind == net::PacketKind::icmp_error) return true;
  const auto protocol = packet.tail().protocol;
  if (packet.kind == net::PacketKind::icmp_query) {
    const std::uint8_t type = packet.transport<net::IcmpHeader>().type;
    return type != net::icmp4::echo_reply && type != net::icmp6::echo_reply;
  }
  return packet.kind == net::PacketKind::flow &&
         !context.snapshot().is_local_service({protocol, packet.tail().near_port.host()});
}

// The kernel has done the rest: the next hop's MAC address stands in the frame.
Verdict through_session(Context& context, Packet& packet) {
  packet.session = packet.family == net::Family::v4 ? context.sessions.find(packet.key4)
                                                    : context.sessions.find(packet.key6);
  if (packet.session == nat::no_session) {
    if (packet.kind == net::PacketKind::icmp_error) return Verdict::pass();
    const auto admitted = context.admission.local(packet, context.now);
    if (admitted.kind != nat::Admitted::Kind::session) return Verdict::drop(admitted.why);
    packet.session = admitted.slot;
  } else {
    const Verdict alive = keep_alive(context, packet);
    if (!alive.passed()) return alive;
  }
  return nat::translate(packet, context.sessions[packet.session], {});
}

}  // namespace

void from_kernel(Context& context, rte_mbuf* mbuf, PortId port) {
  Packet packet;
  packet.mbuf = mbuf;
  packet.port = port;
  auto* frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  const std::uint16_t size = rte_pktmbuf_data_len(mbuf);
  const bool outside = context.snapshot().port(port).side == net::Side::outside;
  if (!outside || size < sizeof(EthernetHeader)) return context.outlets.transmit(port, mbuf);
  const auto type = static_cast<net::EtherType>(net::header<EthernetHeader>(frame).type.host());
  if (type != net::EtherType::ipv4 && type != net::EtherType::ipv6)
    return context.outlets.transmit(port, mbuf);
  const Verdict parsed = net::parse(frame + sizeof(EthernetHeader), size - sizeof(EthernetHeader), type,
                                    net::Side::inside, packet);
  if (!parsed.passed()) return context.drop(mbuf, parsed.counter());
  if (needs_session(context, packet)) {
    // Its ports are those of the worker that owns (E, port), so that answers find the session.
    const WorkerId owner =
        packet.family == net::Family::v4
            ? context.ownership.owner_out(packet.key4.near, packet.tail().near_port.host())
            : context.ownership.owner_out(packet.key6.near, packet.tail().near_port.host());
    if (owner != context.id) return context.outlets.pass_from_kernel(mbuf, port, owner);
    const Verdict verdict = through_session(context, packet);
    if (!verdict.passed()) return context.drop(mbuf, verdict.counter());
  }
  context.outlets.transmit(port, mbuf);
}

}  // namespace rgw::dataplane::stages
