// Every counter and every reason to drop a packet: name and help text, in this one place.
// `realmgwctl counters`, the metrics and docs/counters.md are made from this list.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rgw {

/// What a counter counts.
enum class CounterKind : std::uint8_t {
  packet_end,  ///< the packet's way ended well: sent, handed to the kernel, answered
  drop,        ///< the packet's way ended badly
  event,       ///< something happened; no packet ended by it
};

// clang-format off
#define RGW_COUNTERS(X) \
  /* rx, tx */ \
  X(rx_packets,                 event,      "packets received from a port") \
  X(short_way,                  event,      "packets of known sessions that needed no decision") \
  X(tx_packets,                 packet_end, "packets given to a port for sending") \
  X(tx_ring_full,               drop,       "the port's transmit queue was full") \
  X(port_down,                  drop,       "the port to send through has no link") \
  /* parse */ \
  X(parse_truncated,            drop,       "the frame ends before its headers do") \
  X(parse_ethertype,            drop,       "an EtherType that the gateway does not speak") \
  X(parse_not_for_us,           drop,       "a frame for another MAC address, or one to all that carries a packet to one host") \
  X(parse_ip_version,           drop,       "the IP version contradicts the EtherType") \
  X(parse_ip_header_length,     drop,       "an IPv4 header length below 20 bytes or beyond the packet") \
  X(parse_ip_total_length,      drop,       "an IP total length shorter than its headers or longer than the frame") \
  X(parse_ip_checksum,          drop,       "a wrong IPv4 header checksum") \
  X(parse_ip_options,           drop,       "a malformed IPv4 option") \
  X(parse_source_route,         drop,       "an IPv4 source route option, or an IPv6 routing header with segments left") \
  X(parse_extension_headers,    drop,       "an IPv6 extension header chain that is malformed or too long") \
  X(parse_jumbogram,            drop,       "an IPv6 jumbogram") \
  X(parse_l4_truncated,         drop,       "the transport header is cut short") \
  X(parse_l4_length,            drop,       "a UDP length or TCP data offset that contradicts the packet") \
  X(parse_tcp_flags,            drop,       "an impossible combination of TCP flags") \
  X(parse_l4_port_zero,         drop,       "a transport port of zero") \
  X(parse_icmp_inner,           drop,       "an ICMP error whose inner packet cannot be read") \
  X(parse_icmp_checksum,        drop,       "a wrong checksum on an ICMP message that the gateway must read") \
  X(parse_icmp_type,            drop,       "an ICMP type that is neither query nor error and is not for the gateway") \
  X(parse_protocol,             drop,       "a transport protocol that the gateway does not translate") \
  /* safety: OUT-8 */ \
  X(martian_source,             drop,       "a source address that no packet may have (loopback, multicast, broadcast, zero), or none that is forwarded (link-local)") \
  X(martian_destination,        drop,       "a destination address that is not forwarded (loopback, link-local, broadcast, reserved)") \
  X(spoofed_inside_source,      drop,       "a packet from inside whose source has no route through its port") \
  X(spoofed_own_source,         drop,       "a packet that carries one of the gateway's own addresses as source") \
  X(inside_source_outside,      drop,       "a packet from outside whose source belongs inside") \
  /* fragments: OUT-7 */ \
  X(fragment_held,              event,      "a fragment waits for the first one") \
  X(fragment_overlap,           drop,       "a fragment that overlaps another of its datagram") \
  X(fragment_tiny_first,        drop,       "a first fragment too short to hold the transport header") \
  X(fragment_lying,             drop,       "a fragment whose offset and length exceed a datagram, or not a multiple of 8") \
  X(fragment_table_full,        drop,       "no room to remember another fragmented datagram") \
  X(fragment_hold_full,         drop,       "too many fragments wait for their first one") \
  X(fragment_duplicate,         drop,       "a fragment that came twice") \
  X(fragment_timeout,           drop,       "the first fragment never came, or of ICMP between families the last one") \
  X(fragment_orphan,            drop,       "a fragment whose first one was refused") \
  X(fragment_reassembly,        drop,       "a fragmented datagram that would have to be whole (ICMP error, zero checksum)") \
  /* steer */ \
  X(steer_mine,                 event,      "packets whose flow the receiving worker owns") \
  X(steer_to_peer,              event,      "packets handed to the worker that owns their flow") \
  X(steer_peer_full,            drop,       "the ring to the owning worker was full") \
  X(steer_too_many_hops,        drop,       "a packet was handed from worker to worker too often") \
  /* lookup, admit */ \
  X(session_created_outbound,   event,      "sessions opened from inside") \
  X(session_created_inbound,    event,      "sessions opened from outside") \
  X(session_created_local,      event,      "sessions opened by the gateway itself") \
  X(session_expired,            event,      "sessions that ended by their timer") \
  X(session_ended,              event,      "sessions that ended before their timer: a new one took their ports, or an ALG closed them") \
  X(session_realm_changed,      event,      "sessions that a changed realm has no place for: their host, address or mapping is gone") \
  X(session_deleted,            event,      "sessions that the operator ended (realmgwctl sessions delete)") \
  X(session_table_full,         drop,       "no room for another session") \
  X(session_conflict,           drop,       "a new session whose tuple another session has already") \
  X(session_host_limit,         drop,       "the host has as many sessions as it may have") \
  X(session_host_rate,          drop,       "the host opens more sessions a second than it may") \
  X(port_block_begun,           event,      "blocks of external ports that hosts were given (outbound.port_blocks)") \
  X(port_block_ended,           event,      "blocks of external ports that were taken back: their host had not used them for a while") \
  X(port_block_refused,         drop,       "a new session whose host may have no more blocks of external ports, or for which there is none") \
  X(session_log_lost,           event,      "records of the session log that its ring had no room for") \
  X(signpost_created,           event,      "signposts from a packet's owner to the host's home worker") \
  X(port_exhausted,             drop,       "no external port is free for a new session") \
  X(port_host_limit,            drop,       "the host has as many external ports as it may have") \
  X(no_external_address,        drop,       "no external address of the needed family is configured") \
  X(proxy_exhausted,            drop,       "no proxy address is free for an IPv6 remote") \
  X(no_translation,             drop,       "no translation is configured between these families") \
  X(tcp_not_syn,                drop,       "a TCP packet of no session that is no SYN") \
  X(tcp_invalid_transition,     drop,       "a TCP packet that the state of its session does not allow") \
  X(icmp_no_session,            drop,       "an ICMP error about no session of ours") \
  X(icmp_not_query,             drop,       "an ICMP message that opens no session") \
  X(sctp_port_taken,            drop,       "an SCTP port that would have to change (its checksum forbids it)") \
  X(not_own_destination,        drop,       "an outside packet to an address that is not the gateway's") \
  X(filtered,                   drop,       "an outside packet to a mapping that the filtering policy refuses") \
  X(unmatched,                  drop,       "an outside packet that nothing claims") \
  X(syn_stored,                 drop,       "an outside SYN that filtering refuses, remembered for a simultaneous open") \
  X(syn_matched,                event,      "remembered SYNs whose connection the host inside opened itself") \
  X(syn_unanswered,             event,      "remembered SYNs whose sender was told in the end, or withheld by rate") \
  X(syn_store_full,             event,      "SYNs not remembered because too many are") \
  X(unmatched_rejected,         packet_end, "an outside packet that nothing claims, answered with RST or ICMP") \
  /* pool: claims */ \
  X(claim_made,                 event,      "reservations claimed by a first packet") \
  X(claim_expired,              drop,       "a packet to a reservation after its deadline") \
  X(claim_spent,                drop,       "a second new connection to a reservation already claimed") \
  X(claim_bound,                drop,       "a packet to a reservation whose claims are bound to other clients' prefixes (RFC 7871)") \
  X(claim_not_syn,              drop,       "a TCP packet other than a SYN to a reservation") \
  X(binding_table_full,         event,      "a reservation found no room on a worker") \
  /* application-layer gateways: ALG-5 */ \
  X(alg_session_opened,         event,      "sessions whose text is read") \
  X(alg_table_full,             drop,       "no room to inspect another session") \
  X(alg_to_control,             event,      "packets of inspected sessions handed to the control thread") \
  X(alg_ring_full,              drop,       "the ring of signalling to the control thread was full") \
  X(alg_fragment,               drop,       "a fragment of an inspected session") \
  X(alg_session_gone,           drop,       "signalling whose session had ended by the time it was read") \
  X(alg_bad_checksum,           drop,       "signalling with a wrong transport checksum, which is never edited") \
  X(alg_unreadable,             drop,       "signalling behind headers that cannot be rebuilt") \
  X(alg_refused,                drop,       "a datagram of signalling that its ALG does not let pass") \
  X(alg_over_memory,            drop,       "a segment for which there was no room among held text") \
  X(alg_too_long,               drop,       "an edited datagram that fits into no packet buffer") \
  X(alg_read,                   packet_end, "segments and datagrams of signalling that were read") \
  X(alg_sent,                   event,      "segments and datagrams that went on for them, edited or not") \
  X(pinhole_opened,             event,      "pinholes that a worker was told of") \
  X(pinhole_used,               event,      "sessions that came through a pinhole") \
  X(pinhole_table_full,         event,      "a pinhole found no room on a worker") \
  X(alg_pinhole_refused,        event,      "pinholes that an ALG asked for and could not have") \
  /* translation between families: X-1 */ \
  X(map_translated,             event,      "packets translated by a stateless map") \
  X(map_hairpin,                event,      "packets from one IPv6 host to another by its IPv4 address, translated twice by maps") \
  X(map_source_unmapped,        drop,       "a packet to a mapped address whose source has none in the other family") \
  X(forwarded_untranslated,     event,      "packets from and to remotes towards which translation is off") \
  X(npt_untranslatable,         drop,       "an address that prefix translation has no counterpart for (subnet ffff, identifier of zeros or ones)") \
  X(npt_inner,                  drop,       "an ICMP error whose quoted packet is of another prefix than the error itself") \
  X(not_represented,            drop,       "an address that the translation prefix never stands for: one that is not global, of 64:ff9b::/96") \
  X(translate_protocol,         drop,       "an IPv4 protocol number that IPv6 would take for an extension header") \
  X(translate_icmp_type,        drop,       "an ICMP message that has no counterpart in the other family") \
  X(translate_icmp_fragment,    drop,       "a fragment of an ICMP message whose length is not known, on which its checksum depends") \
  X(translate_fragment_options, drop,       "IPv6 extension headers behind a fragment header, which IPv4 has no place for") \
  X(translate_udp_checksum,     drop,       "fragmented UDP over IPv4 without a checksum, which IPv6 would need") \
  /* egress, resolve */ \
  X(hop_limit_exceeded,         packet_end, "TTL or hop limit ran out; Time Exceeded was sent or withheld by rate") \
  X(packet_too_big,             packet_end, "longer than the next MTU with DF set; the sender was told or withheld by rate") \
  X(fragmented,                 event,      "packets cut into fragments for the next MTU") \
  X(fragmentation_failed,       drop,       "a packet could not be cut into fragments") \
  X(no_route,                   drop,       "no route to the destination") \
  X(route_same_side,            drop,       "the route leads back to the side the packet came from") \
  X(hairpin,                    event,      "packets from inside to inside through an external address") \
  X(hairpin_loop,               drop,       "a hairpinned packet that would turn round twice") \
  X(neighbour_miss,             event,      "packets handed to the control thread to resolve their next hop") \
  X(neighbour_hold_full,        drop,       "the hold queue of an unresolved next hop was full") \
  X(neighbour_unreachable,      drop,       "the next hop did not answer") \
  X(icmp_rate_limited,          event,      "ICMP errors or resets withheld by the rate limit") \
  X(icmp_error_sent,            event,      "ICMP errors that the gateway sent") \
  X(tcp_reset_sent,             event,      "TCP resets that the gateway sent") \
  X(mss_clamped,                event,      "SYN segments whose MSS was lowered") \
  /* the gateway itself */ \
  X(to_kernel,                  packet_end, "packets handed to the kernel through a port's TAP") \
  X(to_dns,                     packet_end, "DNS queries over UDP handed to the control thread, past the kernel") \
  X(from_kernel,                event,      "packets the kernel sent through a port's TAP") \
  X(punt_ring_full,             drop,       "the ring to the control thread was full") \
  X(query_ring_full,            drop,       "the ring of DNS queries to the control thread was full") \
  X(query_rate,                 drop,       "a DNS query of a prefix that asks too fast, while queries wait (guard.query_rate)") \
  X(flow_rate,                  drop,       "a new flow from outside whose prefix begins too many (guard.flow_rate)") \
  X(host_flow_rate,             drop,       "a new flow from outside to a host that too many begin at (guard.host_flow_rate)") \
  X(worker_ring_full,           drop,       "the ring from the control thread to a worker was full") \
  X(tap_write_failed,           drop,       "the kernel did not take a packet") \
  X(arp_answered,               packet_end, "ARP requests answered") \
  X(arp_malformed,              drop,       "an ARP packet that cannot be read") \
  X(nd_answered,                packet_end, "neighbour solicitations answered") \
  X(nd_malformed,               drop,       "a neighbour discovery message that cannot be read (RFC 4861 validity)") \
  X(neighbour_learned,          event,      "neighbours learnt or refreshed") \
  X(no_mbuf,                    drop,       "no packet buffer was free") \
  X(shutdown,                   drop,       "packets given up because the gateway stops") \
  /* DNS */ \
  X(dns_queries,                event,      "DNS queries received") \
  X(dns_answers,                event,      "DNS answers sent") \
  X(dns_to_kernel,              event,      "DNS queries handed to the control thread that the kernel's socket got after all") \
  X(dns_bad_checksum,           drop,       "DNS queries with a wrong UDP checksum") \
  X(dns_malformed,              event,      "DNS messages that could not be read") \
  X(dns_not_query,              event,      "DNS messages with QR=1 or another opcode") \
  X(dns_refused,                event,      "DNS queries refused (outside the zones)") \
  X(dns_nxdomain,               event,      "DNS answers that a name does not exist") \
  X(dns_truncated,              event,      "DNS answers cut with TC") \
  X(dns_retransmitted,          event,      "retransmitted DNS queries, which reserve nothing") \
  X(dns_waiting,                event,      "DNS queries that waited for an address to come free") \
  X(dns_silent,                 event,      "DNS queries left unanswered because the pool was empty") \
  X(dns_bad_cookie,             event,      "DNS answers BADCOOKIE: whoever asked must show the cookie in it before a reservation is made") \
  X(dns_sent_to_tcp,            event,      "DNS answers with TC alone: whoever asked must ask by TCP before a reservation is made") \
  X(dns_aliased,                event,      "DNS answers with an alias: whoever asked, and does not come by TCP, must ask for that name before a reservation is made") \
  X(dns_alias_returned,         event,      "DNS queries for an alias that was given to who asks, which proves his address") \
  X(dns_bound,                  event,      "DNS answers whose claim is bound to the client's prefix that a trusted resolver told (RFC 7871)") \
  X(dns_over_quota,             event,      "DNS queries that got no reservation, for the asker's prefix or the host had too many") \
  X(dns_distrusted,             event,      "DNS queries that got no reservation, for too few of the asker's prefix are used") \
  X(dns_unbalanced,             event,      "DNS answers cut or left out, for the asker, without proof, had been sent more than he sent") \
  X(dns_transfers,              event,      "zones given to a secondary (AXFR)") \
  X(dns_transfers_refused,      event,      "zone transfers refused: not over TCP, to nobody of dns.secondaries, of no zone, or too many at once") \
  X(dns_updates,                event,      "DNS updates that were carried out") \
  X(dns_update_malformed,       event,      "DNS updates that could not be read, or were for no zone of the gateway's") \
  X(dns_update_unsigned,        event,      "DNS updates refused, for no key signed them") \
  X(dns_update_bad_key,         event,      "DNS updates refused, for they were signed by a key that the gateway does not have") \
  X(dns_update_bad_mac,         event,      "DNS updates refused, for their signature is not the key's, or is too short") \
  X(dns_update_bad_time,        event,      "DNS updates refused, for they were signed at another time, or before others of the key") \
  X(dns_update_replayed,        event,      "signed DNS updates that came again, which change nothing and get the first one's answer") \
  X(dns_update_prerequisite,    event,      "DNS updates that did nothing, for a prerequisite of theirs does not hold") \
  X(dns_update_refused,         event,      "signed DNS updates refused, for the key is not for these names or addresses, or they make no host") \
  X(dns_update_no_room,         event,      "DNS updates refused, for there are as many dynamic hosts as there may be") \
  X(dns_update_not_kept,        event,      "DNS updates that failed, for the state directory could not be written") \
  X(dns_relayed,                event,      "DNS queries for which a trusted relay named the sender") \
  X(dns_bad_relay,              event,      "DNS messages passed over: a PROXY header of nobody trusted, or a relay's word that cannot be read") \
  X(dns_recursive,              event,      "DNS queries from inside for names outside the zones") \
  X(dns_cache_hits,             event,      "recursive DNS queries answered out of the cache") \
  X(dns_stale_answers,          event,      "recursive DNS queries answered out of the cache after the answer's time, since no upstream answered") \
  X(dns_merged,                 event,      "recursive DNS queries that joined an equal one on its way") \
  X(dns_recursion_limited,      event,      "recursive DNS queries failed because too many waited already") \
  X(dns_upstream_queries,       event,      "DNS queries sent to upstreams") \
  X(dns_upstream_failures,      event,      "DNS queries that no upstream answered usefully") \
  X(dns64_synthesised,          event,      "AAAA answers made out of A records") \
  X(dns46_synthesised,          event,      "A answers made out of AAAA records") \
  X(dns46_exhausted,            event,      "A answers not made because no proxy address was free") \
  X(dns_ces_peers,              event,      "names for which a NAPTR record names a peer edge node") \
  /* capture */ \
  X(capture_lost,               event,      "packets that captures lost, since whoever asked for them was too slow") \
  X(trace_lost,                 event,      "walks of packets that a trace lost, since whoever asked for them was too slow") \
  X(trace_passed_over,          event,      "packets that a trace should have followed, beyond what a worker follows in a second") \
  /* PCP */ \
  X(pcp_requests,               event,      "PCP requests received from inside") \
  X(pcp_ignored,                event,      "PCP messages left unanswered: from outside, responses, or too short to answer") \
  X(pcp_malformed,              event,      "PCP requests that could not be read, answered as malformed") \
  X(pcp_refused,                event,      "PCP requests answered with another error") \
  X(pcp_mapped,                 event,      "mappings that hosts asked for and got") \
  X(pcp_renewed,                event,      "mappings whose lifetime hosts renewed") \
  X(pcp_deleted,                event,      "mappings that hosts deleted") \
  X(pcp_expired,                event,      "mappings whose lifetime ended") \
  /* pool */ \
  X(pool_reserved,              event,      "reservations made") \
  X(pool_shared,                event,      "queries that joined a pending reservation") \
  X(pool_narrowed,              event,      "wide reservations narrowed to a service") \
  X(pool_displaced,             event,      "reservations without proof withdrawn for an asker with proof, since nothing else was free") \
  X(pool_expired,               event,      "claims that ended unclaimed") \
  X(pool_claimed,               event,      "claims that a packet took") \
  X(pool_exhausted,             event,      "queries that found no address")
// clang-format on

/// The name of a counter. `drop(Counter)` is the one way to end a packet badly.
enum class Counter : std::uint16_t {
#define RGW_COUNTER_ENUM(name, kind, help) name,
  RGW_COUNTERS(RGW_COUNTER_ENUM)
#undef RGW_COUNTER_ENUM
};

struct CounterInfo {
  std::string_view name;
  CounterKind kind;
  std::string_view help;
};

inline constexpr auto counter_infos = std::to_array<CounterInfo>({
#define RGW_COUNTER_INFO(name, kind, help) {#name, CounterKind::kind, help},
    RGW_COUNTERS(RGW_COUNTER_INFO)
#undef RGW_COUNTER_INFO
});
inline constexpr std::size_t counter_count = counter_infos.size();

[[nodiscard]] constexpr const CounterInfo& info(Counter counter) {
  return counter_infos[static_cast<std::size_t>(counter)];
}

/// One thread's counters. Writer: that thread alone. Readers: any (each value is whole, the set is not a
/// snapshot).
class alignas(64) CounterBlock {
 public:
  void add(Counter counter, std::uint64_t n = 1) {
    auto& cell = cells_[static_cast<std::size_t>(counter)];
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get(Counter counter) const {
    return cells_[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, counter_count> cells_{};
};

}  // namespace rgw
