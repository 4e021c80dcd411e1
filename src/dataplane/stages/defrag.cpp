#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/fragment.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Fragment;
using nat::FragmentFlow;
using nat::FragmentTable;

void drop_all(Context& context, std::span<const FragmentTable::Handle> handles, Counter why) {
  for (auto* handle : handles) context.drop(static_cast<rte_mbuf*>(handle), why);
}

// Those that waited go on, as fragments whose flow is known.
void release(Context& context, std::span<const FragmentTable::Handle> handles, const FragmentFlow& flow) {
  for (auto* handle : handles) {
    auto* mbuf = static_cast<rte_mbuf*>(handle);
    auto& note = ring::note(mbuf);
    note.ports_known = true;
    note.near_port = flow.near_port;
    note.far_port = flow.far_port;
    note.protocol = flow.protocol;
    note.l4_protocol = static_cast<std::uint8_t>(flow.l4_protocol);
    note.datagram_length = flow.datagram_length;
    context.again.push_back(mbuf);
  }
}

// The fragments of a datagram meet on one worker, whichever that is.
WorkerId meeting_place(const Context& context, const Fragment& fragment) {
  return context.ownership.owner_of(hash_of(fragment.key, context.shared_salt));
}

// The checksum of ICMP gains or loses the length of the whole message on its way into the other family.
bool needs_length(const Context& context, const Packet& packet) {
  const auto& policy = context.snapshot().policy;
  const std::uint16_t icmp = packet.family == net::Family::v4 ? 1 : 58;
  return packet.l4_protocol == icmp && (policy.pref64 || policy.proxies || !policy.map.empty());
}

}  // namespace

Verdict defragment(Context& context, Packet& packet) {
  if (packet.ports_known) {  // learnt here before, or on the worker that sent it
    const auto& note = ring::note(packet.mbuf);
    FragmentFlow{note.near_port, note.far_port, note.protocol, note.l4_protocol, note.datagram_length}
        .give_to(packet);
    return Verdict::pass();
  }
  auto fragment = Fragment::of(packet);
  if (!fragment) return Verdict::drop(Counter::fragment_lying);
  fragment->needs_length = needs_length(context, packet);
  const WorkerId meeting = meeting_place(context, *fragment);
  if (meeting != context.id) return context.to_peer(packet, meeting);

  context.write_note(packet);
  const auto result = context.fragments.accept(*fragment, packet.mbuf, context.now);
  drop_all(context, result.evicted, Counter::fragment_table_full);
  switch (result.kind) {
    case FragmentTable::Result::Kind::held:
      context.counters.add(Counter::fragment_held);
      release(context, result.followers, result.flow);
      return Verdict::taken();
    case FragmentTable::Result::Kind::drop:
      drop_all(context, result.followers, result.why);
      return Verdict::drop(result.why);
    case FragmentTable::Result::Kind::forward:
      break;
  }
  release(context, result.followers, result.flow);
  result.flow.give_to(packet);
  packet.ports_known = true;
  return Verdict::pass();
}

Verdict condemn_datagram(Context& context, Packet& first, Counter why) {
  const auto fragment = Fragment::of(first);
  if (!fragment) return Verdict::drop(why);
  const WorkerId meeting = meeting_place(context, *fragment);
  if (meeting != context.id) return context.to_peer(first, meeting);  // where it is refused once more
  const auto result = context.fragments.condemn(fragment->key, why, context.now);
  drop_all(context, result.evicted, Counter::fragment_table_full);
  drop_all(context, result.followers, why);
  return Verdict::drop(why);
}

void defrag(Context& context, Batch& batch) {
  if (!batch.has_fragments) [[likely]]
    return;
  batch.sift(
      [&](Packet& packet) {
        if (!packet.fragment) [[likely]]
          return Verdict::pass();
        return defragment(context, packet);
      },
      [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
