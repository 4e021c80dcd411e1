// OUT-3: the TCP state machine, RFC 6146 section 3.5.2.2 with RFC 7857 section 2.
//
//   - the table: no cell without a rule, no rule without a cell
//   - opening: three-way, simultaneous, refused, nothing but a SYN
//   - living: the long timer, half closed
//   - ending: both FIN, RST, a forged RST, ports used again from inside and from outside
#include "realmgw/nat/tcp_state.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using enum TcpState;
using net::Side;
using enum net::Side;

constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10;
constexpr TimerClass transitory = TimerClass::tcp_transitory, long_idle = TimerClass::tcp_established;

// ---- the table

constexpr std::initializer_list<tcp::Event> events{tcp::Event::syn, tcp::Event::fin, tcp::Event::rst,
                                                   tcp::Event::other};

/// How many rules are the first to fit some packet, and how many packets none fits.
struct Coverage {
  std::size_t rules_reached = 0;
  std::size_t cells_missed = 0;
};
constexpr Coverage coverage() {
  Coverage found;
  std::array<bool, tcp::rules.size()> reached{};
  for (std::uint8_t state = 0; state < tcp_state_count; ++state) {
    for (const Side side : {inside, outside}) {
      for (const tcp::Event event : events) {
        std::size_t rule = 0;
        while (rule < tcp::rules.size() && !tcp::fits(tcp::rules[rule], TcpState{state}, side, event)) ++rule;
        if (rule == tcp::rules.size()) {
          ++found.cells_missed;
        } else {
          reached[rule] = true;
        }
      }
    }
  }
  for (const bool r : reached) found.rules_reached += r ? 1 : 0;
  return found;
}
static_assert(coverage().cells_missed == 0, "a packet that no rule speaks of");
static_assert(coverage().rules_reached == tcp::rules.size(), "a rule that an earlier one hides");

TEST(TcpState, flags_beside_syn_fin_and_rst_change_nothing) {
  for (std::uint8_t state = 0; state < tcp_state_count; ++state) {
    for (unsigned flags = 0; flags < 256; ++flags) {
      for (const Side side : {inside, outside}) {
        EXPECT_EQ(tcp_transition(TcpState{state}, side, static_cast<std::uint8_t>(flags)),
                  tcp_transition(TcpState{state}, side, static_cast<std::uint8_t>(flags & 7)));
      }
    }
  }
}

TEST(TcpState, a_session_never_closes_but_by_an_outside_syn_after_both_fin) {
  for (std::uint8_t state = 1; state < tcp_state_count; ++state) {
    for (std::uint8_t flags = 0; flags < 8; ++flags) {
      EXPECT_NE(tcp_transition(TcpState{state}, inside, flags).next, closed);
      const bool may_close = TcpState{state} == both_fin && (flags & (syn | rst)) == syn;
      EXPECT_EQ(tcp_transition(TcpState{state}, outside, flags).next == closed, may_close);
    }
  }
}

// ---- walks

struct Packet {
  Side side;
  std::uint8_t flags;
};

struct Walk {
  TcpState state = closed;
  std::optional<TimerClass> timer;  ///< the one that runs
  bool restarted = false;           ///< by the last packet
  bool reconsider = false;          ///< asked for by the last packet

  constexpr Walk() = default;
  constexpr Walk(std::initializer_list<Packet> packets) {
    for (const Packet& packet : packets) take(packet);
  }
  constexpr void take(Packet packet) {
    const TcpTransition& step = tcp_transition(state, packet.side, packet.flags);
    state = step.next;
    restarted = step.timer.has_value();
    if (restarted) timer = step.timer;
    reconsider = step.reconsider;
  }
  [[nodiscard]] constexpr Walk then(std::initializer_list<Packet> packets) const {
    Walk next = *this;
    for (const Packet& packet : packets) next.take(packet);
    return next;
  }
};

constexpr Walk outbound{{inside, syn}, {outside, syn | ack}, {inside, ack}};
constexpr Walk inbound{{outside, syn}, {inside, syn | ack}, {outside, ack}};

// RFC 5382 REQ-2, both directions; RFC 6146: ESTABLISHED has TCP_EST.
static_assert(outbound.state == established && outbound.timer == long_idle && outbound.restarted);
static_assert(inbound.state == established && inbound.timer == long_idle && inbound.restarted);

TEST(TcpState, a_first_syn_opens_from_its_side_with_the_transitory_timer) {
  const Walk from_inside{{inside, syn}}, from_outside{{outside, syn}};
  EXPECT_EQ(from_inside.state, inside_init);
  EXPECT_EQ(from_inside.timer, transitory);
  EXPECT_EQ(from_outside.state, outside_init);
  EXPECT_EQ(from_outside.timer, transitory);
}

TEST(TcpState, nothing_but_a_syn_opens) {
  for (const std::uint8_t flags :
       {ack, fin, rst, std::uint8_t{fin | ack}, std::uint8_t{rst | syn}, std::uint8_t{0}}) {
    for (const Side side : {inside, outside}) EXPECT_EQ((Walk{{side, flags}}.state), closed) << int{flags};
  }
}

TEST(TcpState, a_simultaneous_open_establishes) {  // RFC 5382 REQ-2a
  EXPECT_EQ((Walk{{inside, syn}, {outside, syn}}.state), established);
  EXPECT_EQ((Walk{{outside, syn}, {inside, syn}}.state), established);
}

TEST(TcpState, a_retransmitted_syn_restarts_the_transitory_timer) {
  const Walk walk{{inside, syn}, {inside, syn}};
  EXPECT_EQ(walk.state, inside_init);
  EXPECT_TRUE(walk.restarted);
}

TEST(TcpState, packets_other_than_a_syn_neither_establish_nor_prolong_an_opening) {
  for (const std::uint8_t flags : {ack, fin, psh}) {
    const Walk walk{{inside, syn}, {outside, flags}, {inside, flags}};
    EXPECT_EQ(walk.state, inside_init);
    EXPECT_FALSE(walk.restarted);
  }
}

TEST(TcpState, a_refused_outbound_connection_may_be_tried_again_with_its_port) {
  const Walk refused{{inside, syn}, {outside, rst | ack}};
  EXPECT_EQ(refused.state, inside_init);
  EXPECT_EQ(refused.then({{inside, syn}, {outside, syn | ack}}).state, established);
}

TEST(TcpState, after_a_host_refused_the_next_outside_syn_is_reconsidered) {  // POOL-5
  const Walk refused{{outside, syn}, {inside, rst | ack}};
  EXPECT_EQ(refused.state, trans);
  EXPECT_EQ(refused.timer, transitory);
  EXPECT_TRUE(refused.then({{outside, syn}}).reconsider);
}

TEST(TcpState,
     a_retransmitted_outside_syn_is_not_a_second_connection) {  // POOL-9: it must not spend another claim
  EXPECT_FALSE((Walk{{outside, syn}, {outside, syn}}.reconsider));
  EXPECT_FALSE(inbound.then({{outside, syn}}).reconsider);
}

TEST(TcpState, data_restarts_the_long_timer) {
  for (const Side side : {inside, outside}) {
    const Walk walk = outbound.then({{side, psh | ack}});
    EXPECT_EQ(walk.state, established);
    EXPECT_TRUE(walk.restarted);
    EXPECT_EQ(walk.timer, long_idle);
  }
}

TEST(TcpState, a_half_closed_connection_lives_on_with_the_long_timer) {
  const Walk by_inside = outbound.then({{inside, fin | ack}});
  EXPECT_EQ(by_inside.state, inside_fin);
  EXPECT_FALSE(by_inside.restarted);
  EXPECT_EQ(by_inside.then({{outside, psh | ack}}).state, inside_fin);
  EXPECT_EQ(by_inside.then({{outside, psh | ack}}).timer, long_idle);
  EXPECT_TRUE(by_inside.then({{outside, psh | ack}}).restarted);
  EXPECT_EQ(by_inside.then({{inside, fin | ack}}).state, inside_fin)
      << "a retransmitted FIN is no second one";
  EXPECT_EQ(outbound.then({{outside, fin | ack}}).state, outside_fin);
  EXPECT_EQ(outbound.then({{outside, fin | ack}, {outside, fin | ack}}).state, outside_fin);
}

TEST(TcpState, both_fin_in_either_order_start_the_transitory_timer_which_nothing_prolongs) {
  for (const Walk& ended : {outbound.then({{inside, fin | ack}, {outside, fin | ack}}),
                            outbound.then({{outside, fin | ack}, {inside, fin | ack}})}) {
    EXPECT_EQ(ended.state, both_fin);
    EXPECT_EQ(ended.timer, transitory);
    EXPECT_TRUE(ended.restarted);
    for (const std::uint8_t flags : {ack, fin, rst}) {
      for (const Side side : {inside, outside}) {
        EXPECT_EQ(ended.then({{side, flags}}).state, both_fin);
        EXPECT_FALSE(ended.then({{side, flags}}).restarted);
      }
    }
  }
}

TEST(TcpState, a_host_reopens_a_closed_connection_with_the_same_port) {
  const Walk ended = outbound.then({{inside, fin | ack}, {outside, fin | ack}});
  const Walk again = ended.then({{inside, syn}});
  EXPECT_EQ(again.state, inside_init);
  EXPECT_TRUE(again.restarted);
  EXPECT_EQ(again.then({{outside, syn | ack}}).state, established);
}

TEST(TcpState, an_outside_syn_after_both_fin_needs_to_be_admitted_anew) {  // POOL-6
  const Walk again = inbound.then({{outside, fin | ack}, {inside, fin | ack}, {outside, syn}});
  EXPECT_EQ(again.state, closed);
  EXPECT_TRUE(again.reconsider);
}

TEST(TcpState, a_reset_leads_to_four_minutes_not_to_the_end) {  // RFC 7857 section 2.2
  for (const Walk& walk :
       {outbound, outbound.then({{inside, fin | ack}}), outbound.then({{outside, fin | ack}})}) {
    for (const Side side : {inside, outside}) {
      const Walk reset = walk.then({{side, rst}});
      EXPECT_EQ(reset.state, trans);
      EXPECT_EQ(reset.timer, transitory);
      EXPECT_TRUE(reset.restarted);
      EXPECT_FALSE(reset.then({{side, rst}}).restarted) << "a stream of RSTs does not hold the session";
    }
  }
}

TEST(TcpState, data_after_a_forged_reset_shows_that_the_connection_lives) {
  for (const Side side : {inside, outside}) {
    const Walk alive = outbound.then({{outside, rst}, {side, psh | ack}});
    EXPECT_EQ(alive.state, established);
    EXPECT_EQ(alive.timer, long_idle);
  }
}

TEST(TcpState, after_a_reset_a_syn_from_inside_opens_and_one_from_outside_is_reconsidered) {
  const Walk reset = outbound.then({{outside, rst}});
  EXPECT_EQ(reset.then({{inside, syn}}).state, inside_init);
  const Walk outside_syn = reset.then({{outside, syn}});
  EXPECT_EQ(outside_syn.state, trans);
  EXPECT_TRUE(outside_syn.reconsider);
  EXPECT_FALSE(outside_syn.restarted);
}

TEST(TcpState, states_have_names) {
  EXPECT_EQ(name(closed), "closed");
  EXPECT_EQ(name(trans), "trans");
}

}  // namespace
}  // namespace rgw::nat
