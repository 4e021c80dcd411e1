// What the scenarios share: realms with a difference, frames of the link layer, and who owns what among the
// workers.
#pragma once

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>

#include "support/gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {

using namespace std::chrono_literals;

/// The lab's realm with a difference.
template <std::invocable<config::Realm&> Change>
[[nodiscard]] config::Realm realm_with(Change&& change) {
  config::Realm realm = lab_realm();
  change(realm);
  return realm;
}

/// What came out, as text; "nothing" where nothing did.
[[nodiscard]] inline std::string text(const std::optional<Seen>& seen) {
  return seen ? seen->to_string() : "nothing";
}

/// The first `size` bytes of a packet.
[[nodiscard]] inline Bytes cut(Bytes packet, std::size_t size) {
  packet.resize(std::min(size, packet.size()));
  return packet;
}

/// A packet whose bytes are changed by hand and whose IPv4 header checksum is right again.
template <std::invocable<net::Ipv4Header&> Change>
[[nodiscard]] Bytes ipv4_with(Bytes packet, Change&& change) {
  auto& ip = net::header<net::Ipv4Header>(packet.data());
  change(ip);
  ip.checksum = {};
  const std::size_t size = std::min<std::size_t>(ip.header_length(), packet.size());
  ip.checksum = net::ChecksumSum{}.add(packet.data(), size).checksum();
  return packet;
}

/// An Ethernet frame.
[[nodiscard]] inline Bytes ethernet(net::MacAddress destination, net::MacAddress source, std::uint16_t type,
                                    const Bytes& payload) {
  Bytes frame(sizeof(net::EthernetHeader));
  net::header<net::EthernetHeader>(frame.data()) = {destination, source, be16{type}};
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

/// Takes all that left through a port.
[[nodiscard]] inline std::vector<Seen> take_all(Gateway& gateway, unsigned port) {
  std::vector<Seen> all;
  while (auto seen = gateway.take(port)) all.push_back(std::move(*seen));
  return all;
}

/// Nothing is left of any session: OUT-3. `held` ports belong to static mappings and local services.
inline void expect_nothing_left(Gateway& gateway, std::size_t held) {
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.occupied_ports(), held);
  for (unsigned i = 0; i < gateway.workers(); ++i) {
    EXPECT_EQ(gateway.worker(i).context().sessions.index().size(), 0U) << "keys of worker " << i;
    EXPECT_EQ(gateway.worker(i).context().fragments.datagrams(), 0U) << "fragments of worker " << i;
  }
}

/// Lets time pass, and turns the crank until all timers have been looked at (the wheel takes 64 steps a
/// turn).
inline void pass(Gateway& gateway, Duration time) {
  gateway.advance(time);
  const auto ticks = nat::ticks_of(time);
  for (unsigned i = 0; i < gateway.workers(); ++i) {
    for (nat::Tick seen = 0; seen <= ticks; seen += 32) gateway.worker(i).step();
  }
  gateway.turn();
}

/// A fragment of either family as the receiver sees it.
struct Piece {
  std::size_t header;  ///< bytes before the payload
  unsigned offset;
  bool more;
};
[[nodiscard]] inline Piece piece_of(const Seen& s) {
  if (s.v4()) {
    const unsigned flags = s.ipv4().flags_offset.host();
    return {s.l4(), (flags & net::Ipv4Header::offset_mask) * 8U,
            (flags & net::Ipv4Header::more_fragments) != 0};
  }
  if (s.protocol() != 44) return {s.l4(), 0, false};
  const unsigned flags = s.transport<net::Ipv6FragmentHeader>().offset_flags.host();
  return {s.l4() + sizeof(net::Ipv6FragmentHeader), flags & 0xfff8U, (flags & 1) != 0};
}

/// Fragments put together: the packet that the receiver gets. Empty where bytes are missing.
[[nodiscard]] inline Bytes reassemble(std::vector<Seen> fragments) {
  if (fragments.empty()) return {};
  std::ranges::sort(fragments, {}, [](const Seen& s) { return piece_of(s).offset; });
  const std::size_t header = fragments[0].l4();
  const std::uint8_t next =
      fragments[0].protocol() == 44 ? fragments[0].bytes()[header] : fragments[0].protocol();
  Bytes whole(fragments[0].bytes().begin(),
              fragments[0].bytes().begin() + static_cast<std::ptrdiff_t>(header));
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    const Piece piece = piece_of(fragments[i]);
    if (piece.offset != whole.size() - header || piece.more != (i + 1 < fragments.size())) return {};
    if (fragments[i].v4() && net::ChecksumSum{}.add(fragments[i].bytes().data(), header).fold() != 0xffff)
      return {};
    whole.insert(whole.end(), fragments[i].bytes().begin() + static_cast<std::ptrdiff_t>(piece.header),
                 fragments[i].bytes().end());
  }
  if (!fragments[0].v4()) {
    auto& ip = net::header<net::Ipv6Header>(whole.data());
    ip.next_header = next;
    ip.payload_length = be16{static_cast<std::uint16_t>(whole.size() - header)};
    return whole;
  }
  return ipv4_with(whole, [&](net::Ipv4Header& ip) {
    ip.total_length = be16{static_cast<std::uint16_t>(whole.size())};
    ip.flags_offset = {};
  });
}

/// The law of ownership, as the gateway's workers have it.
[[nodiscard]] inline const nat::Ownership& law(Gateway& gateway) {
  return gateway.worker(0).context().ownership;
}
[[nodiscard]] inline WorkerId home_of(Gateway& gateway, std::string_view host) {
  return law(gateway).owner_in(address(host));
}
[[nodiscard]] inline WorkerId owner_of(Gateway& gateway, std::string_view external, std::uint16_t port) {
  return law(gateway).owner_out(address(external), port);
}
/// The first port from `from` on whose packets belong to another worker than the host's home (two workers or
/// more).
[[nodiscard]] inline std::uint16_t foreign_port(Gateway& gateway, std::string_view external,
                                                std::string_view host, std::uint16_t from = 1024) {
  while (owner_of(gateway, external, from) == home_of(gateway, host)) ++from;
  return from;
}
[[nodiscard]] inline std::string at(std::string_view host, unsigned port) {
  return net::Endpoint{address(host), static_cast<std::uint16_t>(port)}.to_string();
}

/// Scenarios that hold for every number of workers, on devices of one queue.
class WithWorkers : public testing::TestWithParam<unsigned> {};
inline std::string workers_name(const testing::TestParamInfo<unsigned>& info) {
  return std::to_string(info.param) + "_worker" + (info.param == 1 ? "" : "s");
}
#define RGW_WITH_WORKERS(fixture) \
  INSTANTIATE_TEST_SUITE_P(on, fixture, testing::Values(1U, 2U, 4U), workers_name)

}  // namespace rgw::test
