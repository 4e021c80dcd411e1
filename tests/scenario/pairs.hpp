// Conversations of each family pair, by sessions and by stateless maps, and a gateway that carries them all.
#pragma once

#include <algorithm>
#include <vector>

#include "scenario/support.hpp"

namespace rgw::test {

inline constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

/// A conversation of a host with a remote, as both sides see it. The host's port is kept where it is free, so
/// the answer's destination is known (OUT-2).
struct Pair {
  const char *name, *host, *remote_inside, *external, *remote_outside;
  bool mapped = false;  ///< by a stateless map
  [[nodiscard]] bool crosses() const { return address(host).family() != address(external).family(); }
};
inline constexpr Pair all_pairs[] = {
    {"NAT44", "10.0.0.42", "203.0.113.7", "198.51.100.1", "203.0.113.7"},
    {"NAT64", "fd00:10::5", "fd64::203.0.113.7", "198.51.100.1", "203.0.113.7"},
    {"NAT46", "10.0.0.42", "100.64.0.9", "2001:db8:100::1", "2001:db8:9::9"},
    {"NAT66", "fd00:10::5", "2001:db8:9::9", "2001:db8:100::1", "2001:db8:9::9"},
    {"SIIT64", "fd00:10::6", "fd65::203.0.113.7", "198.51.100.20", "203.0.113.7", true},
    {"SIIT46", "10.0.0.43", "203.0.113.66", "fd65::10.0.0.43", "2001:db8:9::9", true},
};
using Pairs = std::vector<Pair>;

/// Without maps everything goes by the law of ownership (docs/ownership.md).
inline config::Realm all_pairs_realm(bool maps = true) {
  config::Realm realm = lab_realm();
  realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
  if (!maps) return realm;
  realm.siit.prefix = net::Prefix::parse("fd65::/96");
  realm.siit.maps = {{*net::Prefix::parse("198.51.100.20"), *net::Prefix::parse("fd00:10::6")},
                     {*net::Prefix::parse("203.0.113.66"), *net::Prefix::parse("2001:db8:9::9")}};
  return realm;
}

struct AllPairs : Gateway {
  explicit AllPairs(unsigned workers = 1, config::Realm realm = all_pairs_realm())
      : Gateway{std::move(realm), workers} {
    for (const char* host : {"fd00:10::5", "fd00:10::6", "10.0.0.43"}) learn(inside, host);
    learn(outside, "2001:db8:100::fe");
    tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(), clock().now() + 24h});
  }
};

/// Of the ports of each pair some belong to each of several workers.
inline unsigned port_of(unsigned flow) {
  return 20000 + flow + flow / 8;
}

/// Flows are numbered: the pairs take turns, and of each the protocols.
inline const Pair& pair_of(const Pairs& pairs, unsigned flow) {
  return pairs[flow % pairs.size()];
}
inline bool is_tcp(const Pairs& pairs, unsigned flow) {
  return flow / pairs.size() % 2 == 1;
}

inline PacketBuilder packet_of(const Pairs& pairs, unsigned flow, bool outward) {
  const Pair& pair = pair_of(pairs, flow);
  const auto protocol = is_tcp(pairs, flow) ? net::Protocol::tcp : net::Protocol::udp;
  return outward ? PacketBuilder{protocol, at(pair.host, port_of(flow)), at(pair.remote_inside, 80)}
                 : PacketBuilder{protocol, at(pair.remote_outside, 80), at(pair.external, port_of(flow))};
}

using Flows = std::vector<unsigned>;

/// The first so many whose port the gateway leaves them: with several workers one in so many.
inline Flows first_flows(Gateway& gateway, const Pairs& pairs, unsigned count) {
  Flows flows;
  for (unsigned flow = 0; flows.size() < count; ++flow) {
    const Pair& pair = pair_of(pairs, flow);
    if (home_of(gateway, pair.host) ==
        owner_of(gateway, pair.external, static_cast<std::uint16_t>(port_of(flow))))
      flows.push_back(flow);
  }
  return flows;
}

inline Flows open_flows(Gateway& gateway, const Pairs& pairs, unsigned count) {
  const Flows flows = first_flows(gateway, pairs, count);
  for (const unsigned flow : flows) {
    const bool tcp = is_tcp(pairs, flow);
    gateway.put(inside, tcp ? packet_of(pairs, flow, true).syn().ip() : packet_of(pairs, flow, true).ip());
    gateway.turn();
    EXPECT_TRUE(gateway.take(outside)) << flow;
    gateway.put(outside,
                tcp ? packet_of(pairs, flow, false).syn_ack().ip() : packet_of(pairs, flow, false).ip());
    gateway.turn();
    EXPECT_TRUE(gateway.take(inside)) << flow;
  }
  EXPECT_EQ(gateway.sessions(), std::count_if(flows.begin(), flows.end(),
                                              [&](unsigned flow) { return !pair_of(pairs, flow).mapped; }));
  return flows;
}

}  // namespace rgw::test
