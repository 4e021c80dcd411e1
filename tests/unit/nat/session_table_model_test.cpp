// The session table does what a std::map would, step by step, for ten million random steps: keys of both
// families, refused and accepted, timers sooner and later, time that passes, slots that come back.
#include "realmgw/nat/session_table.hpp"

#include <map>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::FlowKey4;
using net::FlowKey6;
using net::Protocol;

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned steps = 1'000'000;  // a minute is too long to wait for the same answer
#else
constexpr unsigned steps = 10'000'000;
#endif
constexpr std::uint32_t capacity = 1000;
constexpr std::uint16_t numbers = 1500;  ///< that keys are made of: so few that they often collide
constexpr Tick start = 0xffffff00;       // ticks wrap on the way

/// A key by its number, side and family: what the model knows of it.
using Name = std::tuple<std::uint16_t, Side, Family>;

template <class Address>
net::FlowKey<Address> key_of(std::uint16_t number, Side side) {
  const net::FlowTail tail{be16{number}, be16{53},        (number & 1) != 0 ? Protocol::udp : Protocol::tcp,
                           side,         Address::family, 0};
  const auto near = static_cast<std::uint8_t>(number & 7), far = static_cast<std::uint8_t>(number % 5);
  if constexpr (Address::family == Family::v4) {
    return {Address{10, 0, 0, near}, Address{203, 0, 113, far}, tail};
  } else {
    return {Address{{near}}, Address{{1, far}}, tail};
  }
}

struct Record {
  Name inside, outside;
  Tick deadline;
};

class Model : public testing::Test {
 protected:
  std::uint16_t number() { return static_cast<std::uint16_t>(random.below(numbers)); }
  Family family() { return random.below(4) == 0 ? Family::v6 : Family::v4; }

  SessionSlot find(const Name& name) const {
    const auto [number, side, family] = name;
    return family == Family::v4 ? table.find(key_of<net::Ipv4Address>(number, side))
                                : table.find(key_of<net::Ipv6Address>(number, side));
  }
  SessionSlot expected(const Name& name) const {
    const auto found = by_key.find(name);
    return found == by_key.end() ? no_session : found->second;
  }

  template <class Address>
  static void fill(Session& session, std::uint16_t number, Side side) {
    const auto key = key_of<Address>(number, side);
    net::FlowKey4& mine = side == Side::inside ? session.inside : session.outside;
    if constexpr (Address::family == Family::v4) {
      mine = key;
    } else {
      mine.tail = key.tail;
      (side == Side::inside ? session.host6 : session.external6) = key.near;
      session.remote6 = key.far;
    }
  }
  static void fill(Session& session, const Name& name) {
    const auto [number, side, family] = name;
    family == Family::v4 ? fill<net::Ipv4Address>(session, number, side)
                         : fill<net::Ipv6Address>(session, number, side);
  }

  void open() {
    // One remote serves both sides of a session where both are IPv6, so both keys have it from one number.
    const Family in = family(), out = family();
    const std::uint16_t first = number();
    const std::uint16_t second = in == Family::v6 && out == Family::v6 ? first : number();
    const Record record{{first, Side::inside, in}, {second, Side::outside, out}, now + 1 + random.below(200)};
    const SessionSlot slot = table.allocate();
    ASSERT_EQ(slot == no_session, sessions.size() == capacity);
    if (slot == no_session) return;
    ASSERT_FALSE(sessions.contains(slot)) << "a slot is given to one session at a time";
    fill(table[slot], record.inside);
    fill(table[slot], record.outside);
    table[slot].deadline = record.deadline;
    const bool free = !by_key.contains(record.inside) && !by_key.contains(record.outside);
    ASSERT_EQ(table.publish(slot, now), free);
    if (!free) return table.discard(slot);
    by_key[record.inside] = by_key[record.outside] = slot;
    sessions[slot] = record;
  }

  void forget(SessionSlot slot) {
    const Record& record = sessions.at(slot);
    by_key.erase(record.inside);
    by_key.erase(record.outside);
    sessions.erase(slot);
  }

  /// Some session; there is one.
  std::map<SessionSlot, Record>::iterator some() {
    const auto found = sessions.lower_bound(random.below(capacity));
    return found != sessions.end() ? found : sessions.begin();
  }

  void pass_time() {
    now += random.below(4);
    table.expire(
        now, 10 * capacity,
        [&](SessionSlot slot) {
          ASSERT_TRUE(sessions.contains(slot));
          ASSERT_LE(static_cast<std::int32_t>(sessions[slot].deadline - now), 0) << "ended before its time";
          forget(slot);
          table.retire(slot);
        },
        [&](SessionSlot slot) {
          ASSERT_TRUE(sessions.contains(slot));
          ASSERT_GT(static_cast<std::int32_t>(sessions[slot].deadline - now), 0) << "lives past its time";
        });
  }

  void step() {
    switch (random.below(8)) {
      case 0:
      case 1:
        return open();
      case 2:
        if (!sessions.empty() && random.below(4) == 0) {
          const SessionSlot slot = some()->first;
          forget(slot);
          table.retire(slot);
        }
        return;
      case 3:
        if (!sessions.empty()) {
          const auto session = some();
          session->second.deadline += random.below(50);
          SessionTable::extend(table[session->first], session->second.deadline);
        }
        return;
      case 4:
        if (!sessions.empty()) {
          const auto session = some();
          session->second.deadline = now + 1 + random.below(100);
          table.reschedule(session->first, session->second.deadline);
        }
        return;
      case 5:
        if (random.below(16) == 0) pass_time();
        return;
      default: {
        const Name name{number(), random.below(2) == 0 ? Side::inside : Side::outside, family()};
        ASSERT_EQ(find(name), expected(name));
      }
    }
  }

  /// All of it, at once.
  void compare() {
    ASSERT_EQ(table.size(), sessions.size());
    ASSERT_EQ(table.index().size(), by_key.size());
    for (const auto& [name, slot] : by_key) ASSERT_EQ(find(name), slot);
    for (const auto& [slot, record] : sessions) {
      ASSERT_TRUE(table.live(slot));
      ASSERT_GT(static_cast<std::int32_t>(record.deadline - now), 0)
          << "its time is over and it is still there";
      ASSERT_EQ(table[slot].deadline, record.deadline);
    }
  }

  Random random{20};
  Tick now = start;
  SessionTable table{capacity, HashSalt{random}, Instant{Duration{std::int64_t{start} << tick_shift}}};
  std::map<Name, SessionSlot> by_key;
  std::map<SessionSlot, Record> sessions;
};

TEST_F(Model, agrees_with_the_session_table_at_each_of_ten_million_steps) {
  std::size_t most = 0;
  for (unsigned i = 0; i < steps; ++i) {
    step();
    if (HasFatalFailure()) FAIL() << "at step " << i;
    most = std::max(most, sessions.size());
    if (i % 50'000 != 0) continue;
    pass_time();
    compare();
    if (HasFatalFailure()) FAIL() << "at step " << i;
  }
  EXPECT_EQ(most, capacity) << "the table was never full: the walk shows less than it says";
  EXPECT_GT(static_cast<std::int32_t>(now - start), 0x1000) << "time hardly passed";
}

}  // namespace
}  // namespace rgw::nat
