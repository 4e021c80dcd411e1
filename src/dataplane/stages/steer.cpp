#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

// The owner of a packet by law (docs/ownership.md).
template <class Address>
WorkerId owner(const nat::Ownership& law, const net::FlowKey<Address>& key) {
  return key.tail.side == net::Side::inside ? law.owner_in(key.near)
                                            : law.owner_out(key.near, key.tail.near_port.host());
}

}  // namespace

void steer(Context& context, Batch& batch) {
  if (context.ownership.workers() != 1) {
    batch.sift(
        [&](Packet& packet) {
          // Sent by a signpost: this worker is the host's home, whatever the port says.
          if (packet.signpost != ring::no_signpost || packet.kind == net::PacketKind::other)
            return Verdict::pass();
          const WorkerId worker = packet.family == net::Family::v4 ? owner(context.ownership, packet.key4)
                                                                   : owner(context.ownership, packet.key6);
          return worker == context.id ? Verdict::pass() : context.to_peer(packet, worker);
        },
        [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
  }
  context.counters.add(Counter::steer_mine, batch.size());
}

}  // namespace rgw::dataplane::stages
