#include "bench/capture_bench.hpp"

#include "realmgw/capture/capture.hpp"

#include <array>
#include <stdexcept>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

using capture::Capture;
using capture::PacketFilter;

constexpr unsigned packets = 512;

double cycles_of(Capture& capture, Gateway& gateway) {
  std::array<rte_mbuf*, packets> frames;
  if (rte_pktmbuf_alloc_bulk(gateway.packets(), frames.data(), packets) != 0)
    throw std::runtime_error{"no packet buffers"};
  for (unsigned i = 0; i < packets; ++i)
    write_packet(frames[i], gateway.port(Gateway::inside).facts(), inside_tuple(i));
  const auto begin = now_cycles();
  for (rte_mbuf* frame : frames)
    capture.take(WorkerId{0}, *frame, {.seen = capture::Seen::received, .port = PortId{0}});
  const auto end = now_cycles();
  rte_pktmbuf_free_bulk(frames.data(), packets);
  capture.read(Instant::max(), [](const capture::Sighting&) { return true; });
  return static_cast<double>(end - begin) / packets;
}

}  // namespace

void measure_capture(const Options& options, std::vector<Row>& rows) {
  struct Case {
    const char* name;
    const char* filter;
  };
  constexpr Case cases[] = {{"capture: looked at, not taken", "host 192.0.2.99 and tcp port 443"},
                            {"capture: taken", "udp"}};
  for (const auto& [name, filter] : cases) {
    if (!options.wants(name)) continue;
    Gateway gateway{bench_realm(64)};
    Capture capture{PacketFilter{filter}, Capture::longest, 1, gateway.clock()};
    Figure cycles;
    for (unsigned i = 0; i < (options.quick ? 4U : 200U); ++i) cycles.add(cycles_of(capture, gateway));
    rows.push_back(
        {.name = name, .direction = "none", .cycles = cycles.median(), .more = {{"least", cycles.least()}}});
  }
}

}  // namespace rgw::bench
