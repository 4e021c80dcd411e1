// No packet disappears unnamed, and no name is idle: each counter of kind `drop` that a worker can raise is
// raised here by the shortest scenario that does, and what no worker can raise is listed with the reason.
#include <functional>

#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
const std::string h = "10.0.0.42:5000", r = "203.0.113.10:80", e = "198.51.100.1:5000",
                  pool = "198.51.100.10:22";

struct Raise {
  Counter counter;
  std::function<void(Gateway&)> scenario;
  config::Realm realm = lab_realm();
  unsigned workers = 1;
};

void send(Gateway& gateway, unsigned port, const Bytes& ip) {
  gateway.put(port, ip);
  gateway.turn();
}
std::function<void(Gateway&)> packet(unsigned port, const Bytes& ip) {
  return [=](Gateway& gateway) { send(gateway, port, ip); };
}
std::function<void(Gateway&)> frame(const Bytes& bytes) {
  return [=](Gateway& gateway) {
    gateway.put_frame(outside, bytes);
    gateway.turn();
  };
}
Bytes header_with(void (*change)(net::Ipv4Header&)) {
  return ipv4_with(udp(h, r).payload(20).ip(), change);
}

/// An IPv6 packet whose payload begins with a header of number `next`.
Bytes ipv6(std::uint8_t next, const Bytes& payload) {
  Bytes packet = cut(udp("[fd00:10::42]:5000", "[2001:db8:200::1]:80").ip(), 40);
  auto& ip = net::header<net::Ipv6Header>(packet.data());
  ip.next_header = next;
  ip.payload_length = be16{static_cast<std::uint16_t>(payload.size())};
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

std::function<void(Gateway&)> fragments(std::vector<std::size_t> order, std::size_t size = 104) {
  return [=](Gateway& gateway) {
    const auto pieces = udp(h, r).payload(1500).fragments(size);
    for (const std::size_t i : order) gateway.put(inside, pieces[i]);
    gateway.turn();
    pass(gateway, 3s);
  };
}

/// Takes all packet buffers but those that the devices hold.
std::vector<rte_mbuf*> all_buffers(Gateway& gateway) {
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* mbuf = rte_pktmbuf_alloc(gateway.packets())) all.push_back(mbuf);
  return all;
}

std::vector<Raise> table() {
  using enum Counter;
  const auto claim = [](auto then) {
    return [=](Gateway& gateway) {
      gateway.bind("198.51.100.10", {Protocol::tcp, 22}, "10.0.0.42");
      gateway.turn();
      then(gateway);
    };
  };
  const auto syn = [](Gateway& gateway, unsigned port = 4000) {
    send(gateway, outside, tcp(at("203.0.113.10", port), pool).syn().ip());
  };
  const auto shows_himself = [=](Gateway& gateway) {
    for (unsigned port = 4000; port < 4005; ++port) syn(gateway, port);
    const auto question = gateway.take(outside);
    ASSERT_TRUE(question);
    const auto number = question->tcp().acknowledgement.host();
    send(gateway, outside, tcp("203.0.113.10:4004", pool).rst().sequence(number).ip());
  };
  const auto limited = [](void (*change)(config::Outbound&)) {
    return realm_with([=](auto& realm) { change(realm.outbound); });
  };
  const Bytes tiny_tcp = cut(tcp(h, r).syn().payload(100).fragments(104)[0], 20 + 16);
  std::vector<Raise> all{
      {tx_ring_full,
       [](Gateway& gateway) {
         for (unsigned i = 0; i < 4200; ++i) {
           gateway.put(inside, udp(h, r).ip());
           if (i % 64 == 0) gateway.turn();
         }
         gateway.turn();
       }},
      {port_down,
       [](Gateway& gateway) {
         gateway.tell(ring::LinkState{PortId{outside}, false});
         send(gateway, inside, udp(h, r).ip());
       }},
      {parse_truncated, frame(Bytes(13))},
      {parse_ethertype, frame(ethernet(net::MacAddress::broadcast(), Gateway::neighbour_mac, 0x8100, Bytes(40)))},
      {parse_not_for_us, frame(ethernet(Gateway::neighbour_mac, Gateway::neighbour_mac, 0x0800, udp(r, e).ip()))},
      {parse_ip_version, packet(inside, header_with([](auto& ip) { ip.version_ihl = 0x55; }))},
      {parse_ip_header_length, packet(inside, header_with([](auto& ip) { ip.version_ihl = 0x43; }))},
      {parse_ip_total_length, packet(inside, header_with([](auto& ip) { ip.total_length = be16{49}; }))},
      {parse_ip_checksum, packet(inside,
                                 [] {
                                   Bytes bad = udp(h, r).ip();
                                   bad[10] ^= 1;
                                   return bad;
                                 }())},
      {parse_ip_options, packet(inside, udp(h, r).ip_options({7, 1, 0, 0}).ip())},
      {parse_source_route, packet(inside, udp(h, r).ip_options({0x89, 7, 4, 10, 0, 0, 9, 0}).ip())},
      {parse_extension_headers, packet(inside, ipv6(60, {0, 9, 1, 4, 0, 0, 0, 0}))},
      {parse_jumbogram, packet(inside, ipv6(0, {}))},
      {parse_l4_truncated, packet(inside, header_with([](auto& ip) { ip.total_length = be16{24}; }))},
      {parse_l4_length, packet(inside,
                               [] {
                                 Bytes bad = udp(h, r).ip();
                                 bad[25] = 7;
                                 return bad;
                               }())},
      {parse_tcp_flags, packet(inside, tcp(h, r).flags(0).ip())},
      {parse_l4_port_zero, packet(inside, udp("10.0.0.42:0", r).ip())},
      {parse_icmp_inner, packet(outside, icmp_error("203.0.113.10", "198.51.100.1", 3, 3, Bytes(19, 0x45)).ip())},
      {parse_icmp_checksum, packet(outside, icmp_error("203.0.113.10", "198.51.100.1", 3, 3, udp(e, r).ip()).corrupt_transport_checksum().ip())},
      {parse_icmp_type, packet(inside, PacketBuilder{Protocol::icmp, "10.0.0.42", "203.0.113.10"}.icmp(5).payload(28).ip())},
      {parse_protocol, packet(inside, PacketBuilder{static_cast<Protocol>(50), "10.0.0.42", "203.0.113.10"}.payload(28).ip())},
      {martian_source, packet(outside, udp("127.0.0.1:1", pool).ip())},
      {martian_destination, packet(inside, udp(h, "240.0.0.1:1").ip())},
      {spoofed_inside_source, packet(inside, udp("192.0.2.1:1", r).ip())},
      {spoofed_own_source, packet(outside, udp(e, pool).ip())},
      {inside_source_outside, packet(outside, udp(h, pool).ip())},
      {fragment_overlap,
       [](Gateway& gateway) {
         gateway.put(inside, udp(h, r).payload(300).fragments(104)[0]);
         gateway.put(inside, udp(h, r).payload(300).fragments(96)[1]);
         gateway.turn();
       }},
      {fragment_tiny_first, packet(inside, ipv4_with(tiny_tcp, [](auto& ip) { ip.total_length = be16{36}; }))},
      {fragment_lying, packet(inside, header_with([](auto& ip) { ip.flags_offset = be16{0x1fff}; }))},
      {fragment_table_full,
       [](Gateway& gateway) {
         for (std::uint16_t i = 0; i < 1100; ++i) {
           gateway.put(inside, udp(h, r).payload(300).id(i).fragments(104)[i < 20 ? 1 : 0]);
           if (i % 32 == 0) gateway.turn();
           while (gateway.take_frame(outside)) {
           }
         }
         gateway.turn();
       }},
      {fragment_hold_full, fragments({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, 48)},
      {fragment_duplicate, fragments({0, 1, 1})},
      {fragment_timeout, fragments({1})},
      {fragment_orphan,
       [](Gateway& gateway) {
         for (const auto& piece : udp(r, pool).payload(300).fragments(104)) send(gateway, outside, piece);
       }},
      {fragment_reassembly, packet(outside, icmp_error("203.0.113.10", "198.51.100.1", 3, 3, udp(e, r).payload(300).ip()).fragments(104)[0])},
      {steer_peer_full,
       [](Gateway& gateway) {
         std::string host = "10.0.0.100";
         for (unsigned i = 100; home_of(gateway, host) == WorkerId{0}; ++i) host = "10.0.0." + std::to_string(i);
         for (int i = 0; i < 2200; ++i) {
           gateway.put(inside, udp(at(host, 5000), r).ip());
           if (i % 32 == 31) gateway.worker(0).step();
         }
         gateway.turn();
       },
       lab_realm(), 2},
      {steer_too_many_hops,
       [](Gateway& gateway) {
         const WorkerId owner = home_of(gateway, "10.0.0.42"), other{static_cast<std::uint8_t>(1 - owner.value())};
         auto buffer = ring::PacketBuffer::copy_of(gateway.frame(inside, udp(h, r).ip()), gateway.packets());
         buffer.note() = {};
         buffer.note().hops = 6;
         buffer.note().signpost = ring::no_signpost;
         ASSERT_TRUE(gateway.worker(0).context().peers.ring(owner, other).push({buffer.release(), ring::no_signpost, dataplane::PeerMessage::Word::noted, {}}));
         gateway.turn();
       },
       lab_realm(), 2},
      {session_table_full,
       [](Gateway& gateway) {
         send(gateway, inside, udp(h, r).ip());
         send(gateway, inside, udp(h, "203.0.113.11:80").ip());
       },
       limited([](auto& out) { out.max_sessions = 1; })},
      {session_conflict,
       [](Gateway& gateway) {
         gateway.bind("198.51.100.1", {Protocol::tcp, 5000}, "10.0.0.43");
         send(gateway, outside, tcp(r, e).syn().ip());
         send(gateway, inside, tcp(h, r).syn().ip());
       },
       limited([](auto& out) { out.mapping = config::Outbound::Mapping::endpoint_independent; })},
      {session_host_limit,
       [](Gateway& gateway) {
         send(gateway, inside, udp(h, r).ip());
         send(gateway, inside, udp(h, "203.0.113.11:80").ip());
       },
       limited([](auto& out) { out.max_sessions_per_host = 1; })},
      {session_host_rate,
       [](Gateway& gateway) {
         send(gateway, inside, udp(h, r).ip());
         send(gateway, inside, udp(h, "203.0.113.11:80").ip());
       },
       limited([](auto& out) { out.max_new_sessions_per_host = 1; })},
      {port_block_refused,
       [](Gateway& gateway) {
         for (unsigned port = 5000; port < 5017; ++port)
           send(gateway, inside, udp(at("10.0.0.42", port), r).ip());
       },
       limited([](auto& out) {
         out.mapping = config::Outbound::Mapping::endpoint_independent;
         out.port_blocks = {.size = 16, .per_host = 1};
       })},
      {port_exhausted,
       [](Gateway& gateway) {
         // All high ports of one of four workers, which a host's mappings cannot leave.
         const std::string host = "10.0.0.42";
         for (unsigned port = 1024; port < 1024 + 16400; ++port) {
           gateway.put(inside, udp(at(host, port), r).ip());
           if (port % 512 != 0) continue;
           gateway.turn();
           while (gateway.take_frame(outside)) {
           }
         }
         gateway.turn();
       },
       limited([](auto& out) {
         out.mapping = config::Outbound::Mapping::endpoint_independent;
         out.max_sessions = out.max_sessions_per_host = 100000;
       }),
       4},
      {no_external_address, packet(inside, udp(h, r).ip()), limited([](auto& out) { out.addresses.clear(); })},
      {no_translation,
       [](Gateway& gateway) {
         gateway.bind("198.51.100.10", {}, "fd00:10::42");
         send(gateway, outside, udp(r, pool).ip());
       }},
      {tcp_not_syn, packet(inside, tcp(h, r).ack().ip())},
      {icmp_no_session, packet(outside, icmp_error("203.0.113.10", "198.51.100.1", 3, 3, udp(e, r).ip()).ip())},
      {icmp_not_query, packet(inside, pong("10.0.0.42", "203.0.113.10", 1).ip())},
      {sctp_port_taken,
       [](Gateway& gateway) {
         send(gateway, inside, sctp(h, r).ip());
         send(gateway, inside, sctp("10.0.0.43:5000", r).ip());
       }},
      {not_own_destination, packet(outside, udp(r, "198.51.100.77:1").ip())},
      {filtered,
       [](Gateway& gateway) {
         send(gateway, inside, udp(h, r).ip());
         send(gateway, outside, udp("203.0.113.99:80", e).ip());
       },
       limited([](auto& out) { out.mapping = config::Outbound::Mapping::endpoint_independent; })},
      {unmatched, packet(outside, udp(r, pool).ip())},
      {claim_bound,
       [=](Gateway& gateway) {
         gateway.bind_to("192.0.2.0/24", "198.51.100.10", {Protocol::tcp, 22}, "10.0.0.42");
         syn(gateway);
       }},
      {claim_expired, claim([=](Gateway& gateway) {
         gateway.advance(2s);
         syn(gateway);
       })},
      {claim_spent, claim([=](Gateway& gateway) {
         EXPECT_TRUE(gateway.opens(tcp("203.0.113.10:4000", pool).syn()));
         syn(gateway, 4001);
       })},
      {claim_incomplete, claim([=](Gateway& gateway) {
         syn(gateway);
         send(gateway, outside, tcp("203.0.113.10:4000", pool).ack().ip());
       })},
      {claim_challenged, claim([=](Gateway& gateway) {
         for (unsigned port = 4000; port < 4005; ++port) syn(gateway, port);
       })},
      {claim_challenge_met, claim(shows_himself)},
      {claim_pledges_full, claim([=](Gateway& gateway) {
         shows_himself(gateway);
         for (unsigned port = 5000; port < 5005; ++port) syn(gateway, port);
       })},
      {claim_not_syn, claim([](Gateway& gateway) { send(gateway, outside, tcp(r, pool).ack().ip()); })},
      {flow_rate,
       [=](Gateway& gateway) {
         for (std::uint32_t number = 1; number <= 2; ++number)
           gateway.bind("198.51.100.10", {Protocol::tcp, 22}, "10.0.0.42", 1, number);
         syn(gateway);
         syn(gateway, 4001);
       },
       realm_with([](auto& realm) { realm.guard.flow_rate = 1; })},
      {host_flow_rate,
       [=](Gateway& gateway) {
         for (std::uint32_t number = 1; number <= 2; ++number)
           gateway.bind("198.51.100.10", {Protocol::tcp, 22}, "10.0.0.42", 1, number);
         syn(gateway);
         syn(gateway, 4001);
       },
       realm_with([](auto& realm) { realm.guard.host_flow_rate = 1; })},
      {fragmentation_failed,
       [](Gateway& gateway) {
         gateway.put(inside, udp(h, r).payload(1400).ip());
         const auto taken = all_buffers(gateway);
         gateway.turn();
         for (rte_mbuf* mbuf : taken) rte_pktmbuf_free(mbuf);
       },
       realm_with([](auto& realm) { realm.ports[1].mtu = 576; })},
      {no_route, packet(inside, udp(h, r).ip()), realm_with([](auto& realm) { realm.routes.clear(); })},
      {route_same_side, packet(inside, udp(h, "10.0.0.43:1").ip())},
      {punt_ring_full,
       [](Gateway& gateway) {
         for (unsigned i = 0; i < 1100; ++i) gateway.put(inside, udp(h, "10.0.0.1:53").ip());
         gateway.turn();
       }},
      {query_ring_full,
       [](Gateway& gateway) {
         for (unsigned i = 0; i < 1100; ++i) gateway.put(inside, udp(h, "10.0.0.1:53").ip());
         gateway.turn();
       },
       realm_with([](auto& realm) { realm.dns.listen = {address("10.0.0.1")}; })},
      {query_rate,
       [](Gateway& gateway) {
         for (unsigned i = 0; i < 300; ++i) gateway.put(outside, udp(r, "198.51.100.1:53").ip());
         gateway.turn();
       },
       realm_with([](auto& realm) {
         realm.dns.listen = {address("198.51.100.1")};
         realm.guard.query_rate = 1;
       })},
      {arp_malformed, frame(ethernet(net::MacAddress::broadcast(), Gateway::neighbour_mac, 0x0806, Bytes(28)))},
      {nd_malformed, packet(inside, PacketBuilder{Protocol::icmp, "fe80::1", "fd00:10::1"}.icmp(135).payload(16).ttl(64).ip())},
      {no_mbuf,
       [](Gateway& gateway) {
         gateway.put(inside, udp(h, r).ttl(1).ip());
         const auto taken = all_buffers(gateway);
         gateway.turn();
         for (rte_mbuf* mbuf : taken) rte_pktmbuf_free(mbuf);
       }},
  };
  return all;
}

struct Exception {
  std::string_view counter, reason;
};
constexpr Exception exceptions[] = {
    {"tcp_invalid_transition",
     "no row of the TCP table closes a session but for reconsideration: it guards the table's future"},
    {"hairpin_loop",
     "what turned round is from outside, and only what is from inside turns round: it guards that"},
    {"shutdown", "counted while the worker goes, after which nobody reads; see workers_test"},
    {"neighbour_hold_full", "control holds what waits for a neighbour"},
    {"neighbour_unreachable", "control gives up what waits for a neighbour"},
    {"worker_ring_full", "control writes that ring"},
    {"tap_write_failed", "control writes to the TAP"},
    {"dns_bad_checksum", "control reads the queries"},
    {"map_source_unmapped", "of stateless maps: see siit_test"},
    {"not_represented", "of the well-known prefix: see special_addresses_test"},
    {"translate_protocol", "of stateless maps: see special_addresses_test"},
    {"alg_table_full", "of inspected sessions: see the whole gateway's"},
    {"alg_ring_full", "of inspected sessions: see the whole gateway's"},
    {"alg_fragment", "of inspected sessions: see the whole gateway's"},
    {"alg_session_gone", "of inspected sessions: see the whole gateway's"},
    {"alg_bad_checksum", "control reads signalling: see the whole gateway's"},
    {"alg_unreadable", "control reads signalling: see the whole gateway's"},
    {"alg_refused", "control reads signalling: see the whole gateway's"},
    {"alg_over_memory", "control reads signalling: see the whole gateway's"},
    {"alg_too_long", "control reads signalling: see the whole gateway's"},
    {"proxy_exhausted", "between families: see the scenarios of those pairs"},
    {"translate_icmp_type", "between families: see the scenarios of those pairs"},
    {"translate_icmp_fragment", "between families: see the scenarios of those pairs"},
    {"translate_fragment_options", "between families: see siit_test"},
    {"port_host_limit", "of ranges and limits of ports: see pool4_test"},
    {"syn_stored", "of simultaneous open: see simultaneous_open_test"},
    {"npt_untranslatable", "of prefix translation: see npt_test"},
    {"npt_inner", "of prefix translation: see npt_test"},
    {"translate_udp_checksum", "between families: see the scenarios of those pairs"},
};

class DropCounter : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(raised, DropCounter, testing::Range<std::size_t>(0, table().size()),
                         [](const auto& p) { return std::string{rgw::info(table()[p.param].counter).name}; });

TEST_P(DropCounter, by_its_scenario) {
  const auto row = table()[GetParam()];
  Gateway gateway{row.realm, row.workers};
  row.scenario(gateway);
  EXPECT_GT(gateway.count(row.counter), 0U);
}

TEST(DropCounters, each_is_raised_or_excused) {
  const auto rows = table();
  for (const auto& counter : counter_infos) {
    if (counter.kind != CounterKind::drop) continue;
    const auto raised =
        std::ranges::count_if(rows, [&](const Raise& row) { return info(row.counter).name == counter.name; });
    const auto excused = std::ranges::count(exceptions, counter.name, &Exception::counter);
    EXPECT_EQ(raised + excused, 1) << counter.name;
  }
}

}  // namespace
}  // namespace rgw::test
