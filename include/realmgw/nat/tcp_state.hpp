// The TCP state machine of RFC 6146 section 3.5.2.2 as a table, for all four family pairs (OUT-3).
// Hot path: one load.
//
// It looks at SYN, FIN and RST alone, never at sequence numbers: a NAT must let through what the ends would
// sort out (RFC 5382 REQ-2), and who forges a RST costs a session its long timer, not its life (RFC
// 7857 section 2.2).
#pragma once

#include "realmgw/nat/timer_class.hpp"
#include "realmgw/net/side.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rgw::nat {

/// RFC 6146 names the states by family; here they are named by side, V6 being inside and V4 outside.
enum class TcpState : std::uint8_t {
  closed,        ///< CLOSED: no session
  inside_init,   ///< V6 INIT: a SYN from inside
  outside_init,  ///< V4 INIT: a SYN from outside
  established,   ///< ESTABLISHED: a SYN from both
  inside_fin,    ///< V6 FIN RCV
  outside_fin,   ///< V4 FIN RCV
  both_fin,      ///< V4 FIN + V6 FIN RCV
  trans,         ///< TRANS: a RST was seen
};
inline constexpr std::size_t tcp_state_count = 8;

[[nodiscard]] constexpr std::string_view name(TcpState state) {
  constexpr std::array<std::string_view, tcp_state_count> names{"closed",      "inside_init", "outside_init",
                                                                "established", "inside_fin",  "outside_fin",
                                                                "both_fin",    "trans"};
  return names[static_cast<std::size_t>(state)];
}

/// What a packet does to a session.
struct TcpTransition {
  /// `closed`: the packet belongs to no connection. Where a session was found it is over, and may be removed.
  TcpState next;
  /// The timer to start afresh; none: the one that runs goes on, and so does its deadline.
  std::optional<TimerClass> timer;
  /// An outside SYN to a connection that has ended: whoever sends it may mean a new one, to another host that
  /// has been given E since (POOL-5). Let it be admitted first as if no session had been found; a session so
  /// made replaces this one. Where nothing admits it, `next` holds.
  bool reconsider;

  friend constexpr bool operator==(const TcpTransition&, const TcpTransition&) = default;
};

namespace tcp {

enum class From : std::uint8_t { inside, outside, either };
/// A RST counts before a SYN, a SYN before a FIN; SYN+ACK is a SYN, as in the RFC.
enum class Event : std::uint8_t { syn, fin, rst, other, any };

struct Rule {
  TcpState state;
  From from;
  Event event;
  TcpTransition to;
};

// clang-format off
/// Read from above: the first row that fits holds. Clauses without an RFC are of RFC 6146 section 3.5.2.2.
inline constexpr auto rules = [] {
  using enum TcpState;
  using enum From;
  using enum Event;
  constexpr std::optional<TimerClass> keep{};
  constexpr std::optional transitory{TimerClass::tcp_transitory}, long_idle{TimerClass::tcp_established};
  return std::to_array<Rule>({
    // CLOSED. Only a SYN opens: the RFC would pass other packets where a BIB entry exists, but a connection
    // that no table knows has no port of its own here. Whether an outside SYN may open is for static
    // mappings, filtering and the pool to say; it is then forwarded at once, so its timer is TCP_TRANS and
    // not TCP_INCOMING_SYN.
    {closed,       inside,  syn,   {inside_init,  transitory, false}},
    {closed,       outside, syn,   {outside_init, transitory, false}},
    {closed,       either,  any,   {closed,       keep,       false}},
    // V6 INIT. The other side's SYN, with or without ACK, establishes (RFC 5382 REQ-2a: simultaneous open).
    {inside_init,  outside, syn,   {established,  long_idle,  false}},
    {inside_init,  inside,  syn,   {inside_init,  transitory, false}},
    {inside_init,  either,  any,   {inside_init,  keep,       false}},
    // V4 INIT, its mirror image. A host that refuses (RST) ends it: the RFC would wait for the timer in V4
    // INIT, but then the client's next SYN with this port, meant for another host of the pool, would be
    // taken for this one's.
    {outside_init, inside,  syn,   {established,  long_idle,  false}},
    {outside_init, outside, syn,   {outside_init, transitory, false}},
    {outside_init, inside,  rst,   {trans,        transitory, false}},
    {outside_init, either,  any,   {outside_init, keep,       false}},
    // ESTABLISHED.
    {established,  inside,  fin,   {inside_fin,   keep,       false}},
    {established,  outside, fin,   {outside_fin,  keep,       false}},
    {established,  either,  rst,   {trans,        transitory, false}},
    {established,  either,  any,   {established,  long_idle,  false}},
    // V6 FIN RCV, V4 FIN RCV: half closed, which may last. For a RST the RFC has no row of its own here and
    // would give it two hours more; RFC 7857 section 2.2 wants every RST to lead to four minutes.
    {inside_fin,   outside, fin,   {both_fin,     transitory, false}},
    {inside_fin,   either,  rst,   {trans,        transitory, false}},
    {inside_fin,   either,  any,   {inside_fin,   long_idle,  false}},
    {outside_fin,  inside,  fin,   {both_fin,     transitory, false}},
    {outside_fin,  either,  rst,   {trans,        transitory, false}},
    {outside_fin,  either,  any,   {outside_fin,  long_idle,  false}},
    // V4 FIN + V6 FIN RCV. Last ACKs and retransmitted FINs pass, the timer runs out regardless. The RFC
    // lets SYNs pass like these; but a host that uses its port again (RFC 6191) opens a new connection,
    // which needs a fresh timer, and an outside SYN is one that wants admission like any other (POOL-6).
    {both_fin,     inside,  syn,   {inside_init,  transitory, false}},
    {both_fin,     outside, syn,   {closed,       keep,       true}},
    {both_fin,     either,  any,   {both_fin,     keep,       false}},
    // TRANS. What is not a RST shows that the RST was none of the ends' (RFC 7857 section 2.2). A SYN does
    // not show it: from inside it opens anew; from outside it passes, so that the host can challenge it
    // (RFC 5961 section 4), unless a reservation takes it.
    {trans,        either,  rst,   {trans,        keep,       false}},
    {trans,        inside,  syn,   {inside_init,  transitory, false}},
    {trans,        outside, syn,   {trans,        keep,       true}},
    {trans,        either,  any,   {established,  long_idle,  false}},
  });
}();
// clang-format on

/// FIN, SYN and RST are the three lowest bits of the TCP flags.
inline constexpr std::size_t flag_sets = 8;

[[nodiscard]] constexpr Event event_of(std::uint8_t flags) {
  if ((flags & 0x04) != 0) return Event::rst;
  if ((flags & 0x02) != 0) return Event::syn;
  if ((flags & 0x01) != 0) return Event::fin;
  return Event::other;
}

[[nodiscard]] constexpr bool fits(const Rule& rule, TcpState state, net::Side side, Event event) {
  return rule.state == state && (rule.event == Event::any || rule.event == event) &&
         (rule.from == From::either || (rule.from == From::inside) == (side == net::Side::inside));
}

[[nodiscard]] constexpr std::size_t table_index(TcpState state, net::Side side, std::uint8_t flags) {
  return (static_cast<std::size_t>(state) * 2 + static_cast<std::size_t>(side)) * flag_sets + (flags & 7);
}

/// The rules written out: 128 transitions in 512 bytes.
inline constexpr auto table = [] {
  std::array<TcpTransition, tcp_state_count * 2 * flag_sets> out{};
  for (std::uint8_t state = 0; state < tcp_state_count; ++state) {
    for (const net::Side side : {net::Side::inside, net::Side::outside}) {
      for (std::uint8_t flags = 0; flags < flag_sets; ++flags) {
        for (const auto& rule : rules) {
          if (!fits(rule, TcpState{state}, side, event_of(flags))) continue;
          out[table_index(TcpState{state}, side, flags)] = rule.to;
          break;
        }
      }
    }
  }
  return out;
}();
static_assert(sizeof table == 512);

}  // namespace tcp

/// What a packet with these TCP flags (the header's byte 13), come from `side`, does to a session in `state`.
/// A packet that no session was found for: `state` is `closed`.
[[nodiscard]] constexpr const TcpTransition& tcp_transition(TcpState state, net::Side side,
                                                            std::uint8_t flags) {
  return tcp::table[tcp::table_index(state, side, flags)];
}

}  // namespace rgw::nat
