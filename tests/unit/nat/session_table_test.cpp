// The sessions of a worker: findable by both keys or by neither, each key once, slots that come back, timers
// that end them (OUT-3).
#include "realmgw/nat/session_table.hpp"

#include <set>

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using net::FlowKey4;
using net::Protocol;

constexpr Tick now = 1000;

HashSalt salt() {
  Random random{1};
  return HashSalt{random};
}

FlowKey4 key(Side side, std::uint16_t port, std::uint8_t last) {
  const net::Ipv4Address near =
      side == Side::inside ? net::Ipv4Address{10, 0, 0, last} : net::Ipv4Address{198, 51, 100, 1};
  return {near,
          net::Ipv4Address{203, 0, 113, 10},
          {be16{port}, be16{53}, Protocol::udp, side, net::Family::v4, 0}};
}

class Sessions : public testing::Test {
 protected:
  /// A session of host 10.0.0.`host` with inside and outside port; `no_session` where it cannot be published.
  SessionSlot open(std::uint16_t inside, std::uint16_t outside, std::uint8_t host = 42,
                   Tick deadline = now + 100) {
    const SessionSlot slot = table.allocate();
    if (slot == no_session) return slot;
    table[slot].inside = key(Side::inside, inside, host);
    table[slot].outside = key(Side::outside, outside, host);
    table[slot].deadline = deadline;
    if (table.publish(slot, now)) return slot;
    table.discard(slot);
    return no_session;
  }
  SessionSlot by_inside(std::uint16_t port, std::uint8_t host = 42) {
    return table.find(key(Side::inside, port, host));
  }
  SessionSlot by_outside(std::uint16_t port) { return table.find(key(Side::outside, port, 42)); }
  std::set<SessionSlot> expire(Tick at, std::set<SessionSlot>* alive = nullptr) {
    std::set<SessionSlot> ended;
    for (int i = 0; i < 100; ++i) {
      table.expire(
          at, 1000,
          [&](SessionSlot slot) {
            ended.insert(slot);
            table.retire(slot);
          },
          [&](SessionSlot slot) {
            if (alive != nullptr) alive->insert(slot);
          });
    }
    return ended;
  }

  SessionTable table{8, salt(), Instant{Duration{std::int64_t{now} << tick_shift}}};
};

TEST_F(Sessions, are_found_by_both_keys_once_published) {
  const SessionSlot slot = table.allocate();
  table[slot].inside = key(Side::inside, 5000, 42);
  table[slot].outside = key(Side::outside, 6000, 42);
  table[slot].deadline = now + 100;
  EXPECT_EQ(by_inside(5000), no_session);
  ASSERT_TRUE(table.publish(slot, now));
  EXPECT_EQ(by_inside(5000), slot);
  EXPECT_EQ(by_outside(6000), slot);
  EXPECT_EQ(by_outside(5000), no_session);
  EXPECT_EQ(table[slot].created, now);
  table.retire(slot);
  EXPECT_EQ(by_inside(5000), no_session);
  EXPECT_EQ(by_outside(6000), no_session);
  EXPECT_EQ(table.index().size(), 0U);
}

TEST_F(Sessions, share_no_key_and_a_refused_one_leaves_none) {
  ASSERT_NE(open(5000, 6000), no_session);
  EXPECT_EQ(open(5001, 6000), no_session) << "the outside key is taken";
  EXPECT_EQ(by_inside(5001), no_session);
  EXPECT_EQ(open(5000, 6001), no_session) << "the inside key is taken";
  EXPECT_EQ(by_outside(6001), no_session);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.index().size(), 2U);
}

TEST_F(Sessions, are_as_many_as_there_is_room_for_and_their_slots_come_back) {
  for (int round = 0; round < 10; ++round) {
    std::set<SessionSlot> slots;
    for (std::uint16_t i = 0; i < 8; ++i)
      slots.insert(open(static_cast<std::uint16_t>(5000 + i), static_cast<std::uint16_t>(6000 + i)));
    EXPECT_EQ(slots.size(), 8U);
    EXPECT_FALSE(slots.contains(no_session));
    EXPECT_EQ(open(1, 1), no_session);
    for (const SessionSlot slot : slots) {
      EXPECT_TRUE(table.live(slot));
      table.retire(slot);
      EXPECT_FALSE(table.live(slot));
    }
    EXPECT_EQ(table.size(), 0U);
  }
  EXPECT_EQ(table.high_water(), 8U);
}

TEST_F(Sessions, come_zeroed_from_a_slot_that_was_used) {
  const SessionSlot slot = open(5000, 6000);
  table[slot].posted = table[slot].hairpin = true;
  table[slot].towards_inside = 7;
  table.retire(slot);
  const SessionSlot again = table.allocate();
  EXPECT_EQ(again, slot);
  EXPECT_FALSE(table[again].posted || table[again].hairpin);
  EXPECT_EQ(table[again].towards_inside, no_neighbour);
  EXPECT_EQ(table[again].links.next, 0U);
  table.discard(again);
}

TEST_F(Sessions, that_are_signposts_are_found_from_outside_alone) {
  const SessionSlot slot = table.allocate();
  table[slot].signpost = true;
  table[slot].inside.tail.protocol = Protocol::udp;
  table[slot].outside = key(Side::outside, 6000, 42);
  table[slot].deadline = now + 100;
  ASSERT_TRUE(table.publish(slot, now));
  EXPECT_EQ(by_outside(6000), slot);
  EXPECT_EQ(table.index().size(), 1U);
  EXPECT_EQ(open(5000, 6000), no_session) << "its key is taken";
  table.retire(slot);
  EXPECT_EQ(table.index().size(), 0U);
}

TEST_F(Sessions, end_when_their_time_is_over_and_not_before) {  // OUT-3
  const SessionSlot sooner = open(1, 1, 42, now + 10), later = open(2, 2, 42, now + 20);
  EXPECT_TRUE(expire(now + 9).empty());
  EXPECT_EQ(expire(now + 10), std::set{sooner});
  EXPECT_TRUE(expire(now + 19).empty());
  EXPECT_EQ(expire(now + 20), std::set{later});
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(Sessions, that_packets_keep_alive_are_told_of_when_their_timer_fires) {  // what a signpost lives on
  const SessionSlot slot = open(1, 1, 42, now + 10);
  SessionTable::extend(table[slot], now + 15);
  std::set<SessionSlot> alive;
  EXPECT_TRUE(expire(now + 10, &alive).empty());
  EXPECT_EQ(alive, std::set{slot});
  alive.clear();
  EXPECT_EQ(expire(now + 15, &alive), std::set{slot});
  EXPECT_TRUE(alive.empty());
}

TEST_F(Sessions, may_be_given_less_time_than_they_had) {  // TCP closes: OUT-3
  const SessionSlot slot = open(1, 1, 42, now + 1000);
  table.reschedule(slot, now + 5);
  EXPECT_TRUE(expire(now + 4).empty());
  EXPECT_EQ(expire(now + 5), std::set{slot});
}

TEST(SessionKeys, of_ipv6_compare_all_of_the_addresses) {
  SessionTable table{8, salt(), Instant{1s}};
  const auto make_key = [](Side side, const char* near, const char* far) {
    return net::FlowKey6{*net::Ipv6Address::parse(near),
                         *net::Ipv6Address::parse(far),
                         {be16{1}, be16{2}, Protocol::tcp, side, net::Family::v6, 0}};
  };
  const SessionSlot slot = table.allocate();
  Session& session = table[slot];
  session.inside.tail = make_key(Side::inside, "::", "::").tail;
  session.outside.tail = make_key(Side::outside, "::", "::").tail;
  session.host6 = *net::Ipv6Address::parse("fd00::42");
  session.external6 = *net::Ipv6Address::parse("2001:db8::1");
  session.remote6 = *net::Ipv6Address::parse("2001:db8:1::1");
  ASSERT_TRUE(table.publish(slot, 1));
  EXPECT_EQ(table.find(make_key(Side::inside, "fd00::42", "2001:db8:1::1")), slot);
  EXPECT_EQ(table.find(make_key(Side::outside, "2001:db8::1", "2001:db8:1::1")), slot);
  EXPECT_EQ(table.find(make_key(Side::outside, "fd00::42", "2001:db8:1::1")), no_session);
  EXPECT_EQ(table.find(make_key(Side::inside, "fd00::42", "2001:db8:1::2")), no_session);
}

}  // namespace
}  // namespace rgw::nat
