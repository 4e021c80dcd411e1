#include "realmgw/dataplane/tracer.hpp"

#include "realmgw/dataplane/context.hpp"
#include "realmgw/dataplane/listing.hpp"

namespace rgw::dataplane {
namespace {

using capture::Stage;
using capture::TraceStep;
using net::PacketKind;

void tell_ends(TraceStep& step, const Packet& packet) {
  step.protocol = static_cast<std::uint8_t>(packet.l4_protocol);
  step.source.address = packet.source();
  step.destination.address = packet.destination();
  if (packet.kind == PacketKind::flow) {
    const auto& ports = packet.transport<net::UdpHeader>();  // all begin alike
    step.source.port = ports.source_port.host();
    step.destination.port = ports.destination_port.host();
  } else if (packet.kind == PacketKind::icmp_query) {
    const bool outward = packet.side() == net::Side::inside;
    (outward ? step.source : step.destination).port = packet.transport<net::IcmpHeader>().identifier.host();
  }
}

}  // namespace

bool Tracer::may_follow() {
  if (walks_.take(context_.now)) return true;
  context_.counters.add(Counter::trace_passed_over);
  return false;
}

void Tracer::begin(Packet& packet, capture::Entry entry) {
  head_ = {context_.clock.now(),
           reinterpret_cast<std::uintptr_t>(packet.mbuf),
           packet.mbuf->pkt_len,
           context_.id,
           entry,
           packet.came_from,
           packet.from};
  count_ = 0;
  under_way_ = true;
  for (std::size_t i = 0; i < counter_count; ++i) counters_[i] = context_.counters.get(Counter(i));
}

void Tracer::count(TraceStep& step) {
  for (std::size_t i = 0; i < counter_count; ++i) {
    const std::uint64_t value = context_.counters.get(Counter(i));
    if (value == counters_[i]) continue;
    counters_[i] = value;
    if (step.counters < TraceStep::most_counted) step.counted[step.counters++] = Counter(i);
  }
}

void Tracer::see(Stage stage, Batch& batch) {
  TraceStep step;
  step.stage = stage;
  count(step);
  if (count_ == steps_.size() || (!under_way_ && step.counters == 0)) return;
  under_way_ = under_way_ && !batch.empty();
  step.goes_on = under_way_;
  if (under_way_) {
    const Packet& packet = batch[0];
    tell_ends(step, packet);
    if (stage >= Stage::lookup && packet.session != nat::no_session) {
      step.has_session = true;
      step.session = describe(context_, context_.sessions[packet.session]);
    }
    if (stage >= Stage::egress) {
      step.has_way = true;
      step.port = packet.port;
      step.mtu = packet.mtu;
      step.has_neighbour = packet.neighbour != nullptr;
      if (!step.has_neighbour) step.next_hop = packet.next_hop;
    }
  }
  steps_[count_++] = step;
}

void Tracer::end() {
  if (capture::Trace* const trace = trace_.load(std::memory_order_acquire))
    trace->take(head_, {steps_.data(), count_});
}

}  // namespace rgw::dataplane
