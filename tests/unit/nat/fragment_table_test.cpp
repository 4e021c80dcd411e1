// OUT-7: virtual reassembly.
//
//   - in any order, each fragment goes on with the flow of the first, none before it
//   - overlaps, contradictions, tiny first fragments and lies are dropped, and what they condemn
//   - memory and time are bounded: per datagram, in total, by the clock; every handle comes back once
#include "realmgw/nat/fragment_table.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum FragmentTable::Result::Kind;
using Handle = FragmentTable::Handle;

constexpr Instant start{seconds{1000}};
constexpr FragmentFlow flow{be16{4660}, be16{53}, net::Protocol::udp, 17};

/// Names packets: the table only carries them about.
Handle packet(std::uintptr_t number) {
  return reinterpret_cast<Handle>(number);
}

FragmentKey datagram(std::uint32_t id, net::Family family = net::Family::v6) {
  FragmentKey key;
  key.id = be32{id};
  key.family = family;
  return key;
}

Fragment first(std::uint32_t length, const FragmentKey& key = datagram(1)) {
  return {key, 0, length, true, flow};
}
Fragment middle(std::uint32_t offset, std::uint32_t length, const FragmentKey& key = datagram(1)) {
  return {key, offset, length, true, {}};
}
Fragment last(std::uint32_t offset, std::uint32_t length, const FragmentKey& key = datagram(1)) {
  return {key, offset, length, false, {}};
}

class FragmentTableTest : public ::testing::Test {
 protected:
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  std::vector<Handle> expire(Instant now) {
    std::vector<Handle> back;
    table.expire(now, [&](Handle handle) { back.push_back(handle); });
    return back;
  }
  void expect_dropped(const FragmentTable::Result& result, Counter why) {
    EXPECT_EQ(result.kind, drop);
    EXPECT_EQ(info(result.why).name, info(why).name);
  }

  FragmentTable table{{4, 20, seconds{2}}, salt()};
};

// ---- passing

TEST_F(FragmentTableTest, fragments_in_order_go_on_at_once_and_leave_nothing) {
  for (const Fragment& fragment : {first(16), middle(16, 16), last(32, 3)}) {
    const auto result = table.accept(fragment, packet(1), start);
    EXPECT_EQ(result.kind, forward);
    EXPECT_EQ(result.flow, flow);
    EXPECT_THAT(result.followers, IsEmpty());
  }
  EXPECT_EQ(table.datagrams(), 0U);
}

TEST_F(FragmentTableTest, those_before_the_first_wait_for_it_and_follow_in_the_order_they_came) {
  EXPECT_EQ(table.accept(last(32, 3), packet(3), start).kind, held);
  EXPECT_EQ(table.accept(middle(16, 16), packet(2), start).kind, held);
  EXPECT_EQ(table.held(), 2U);
  const auto result = table.accept(first(16), packet(1), start);
  EXPECT_EQ(result.kind, forward);
  EXPECT_EQ(result.flow, flow);
  EXPECT_THAT(result.followers, ElementsAre(packet(3), packet(2)));
  EXPECT_EQ(table.held(), 0U);
  EXPECT_EQ(table.datagrams(), 0U);
}

Fragment icmp(Fragment fragment) {
  fragment.needs_length = true;
  return fragment;
}

TEST_F(FragmentTableTest, where_the_length_is_needed_all_wait_for_first_and_last) {
  EXPECT_EQ(table.accept(icmp(first(16)), packet(1), start).kind, held);
  EXPECT_EQ(table.accept(icmp(middle(16, 16)), packet(2), start).kind, held);
  const auto result = table.accept(icmp(last(32, 5)), packet(3), start);
  EXPECT_EQ(result.kind, held);
  EXPECT_THAT(result.followers, ElementsAre(packet(1), packet(2), packet(3)));
  EXPECT_EQ(result.flow.datagram_length, 37U);
  EXPECT_EQ(result.flow.near_port, flow.near_port);
  EXPECT_EQ(table.datagrams(), 0U);
}

TEST_F(FragmentTableTest, where_the_length_is_needed_the_first_fragment_still_goes_first) {
  EXPECT_EQ(table.accept(icmp(last(32, 5)), packet(1), start).kind, held);
  EXPECT_EQ(table.accept(icmp(middle(16, 16)), packet(2), start).kind, held);
  const auto result = table.accept(icmp(first(16)), packet(3), start);
  EXPECT_EQ(result.kind, forward);
  EXPECT_EQ(result.flow.datagram_length, 37U);
  EXPECT_THAT(result.followers, ElementsAre(packet(1), packet(2)));

  EXPECT_EQ(table.accept(icmp(middle(16, 16, datagram(2))), packet(4), start).kind, held);
  EXPECT_EQ(table.accept(icmp(first(16, datagram(2))), packet(5), start).kind, held);
  const auto by_last = table.accept(icmp(last(32, 5, datagram(2))), packet(6), start);
  EXPECT_THAT(by_last.followers, ElementsAre(packet(5), packet(4), packet(6)));
}

TEST_F(FragmentTableTest, when_first_and_last_have_come_those_between_go_on_at_once) {
  EXPECT_EQ(table.accept(icmp(first(16)), packet(1), start).kind, held);
  EXPECT_THAT(table.accept(icmp(last(32, 5)), packet(2), start).followers, ElementsAre(packet(1), packet(2)));
  const auto result = table.accept(icmp(middle(16, 16)), packet(3), start);
  EXPECT_EQ(result.kind, forward);
  EXPECT_EQ(result.flow.datagram_length, 37U);
  EXPECT_EQ(table.datagrams(), 0U);
}

TEST_F(FragmentTableTest, datagrams_do_not_mix) {
  EXPECT_EQ(table.accept(first(16, datagram(1)), packet(1), start).kind, forward);
  EXPECT_EQ(table.accept(last(16, 8, datagram(2)), packet(2), start).kind, held);
  EXPECT_EQ(table.accept(last(16, 8, datagram(1)), packet(3), start).kind, forward);
}

TEST_F(FragmentTableTest, an_atomic_fragment_passes_by) {  // RFC 6946
  ASSERT_EQ(table.accept(middle(16, 16), packet(2), start).kind, held);
  const auto result = table.accept(Fragment{datagram(1), 0, 24, false, flow}, packet(1), start);
  EXPECT_EQ(result.kind, forward);
  EXPECT_THAT(result.followers, IsEmpty());
  EXPECT_EQ(table.held(), 1U);
}

TEST_F(FragmentTableTest, the_same_identification_may_come_again_after_a_complete_datagram) {
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(table.accept(first(16), packet(1), start).kind, forward);
    EXPECT_EQ(table.accept(last(16, 16), packet(2), start).kind, forward);
  }
}

// ---- refusing

TEST_F(FragmentTableTest, an_overlap_condemns_the_datagram_and_what_is_held_of_it) {  // RFC 5722
  ASSERT_EQ(table.accept(middle(16, 16), packet(1), start).kind, held);
  ASSERT_EQ(table.accept(middle(48, 16), packet(2), start).kind, held);
  const auto result = table.accept(middle(24, 16), packet(3), start);
  expect_dropped(result, Counter::fragment_overlap);
  EXPECT_THAT(result.followers, ElementsAre(packet(1), packet(2)));
  EXPECT_EQ(table.held(), 0U);
  expect_dropped(table.accept(first(16), packet(4), start), Counter::fragment_overlap);
  expect_dropped(table.accept(last(64, 8), packet(5), start), Counter::fragment_overlap);
}

TEST_F(FragmentTableTest, an_overlap_of_the_first_fragment_is_seen_whichever_comes_first) {
  ASSERT_EQ(table.accept(first(40, datagram(1)), packet(1), start).kind, forward);
  expect_dropped(table.accept(middle(8, 32, datagram(1)), packet(2), start), Counter::fragment_overlap);
  ASSERT_EQ(table.accept(middle(8, 32, datagram(2)), packet(3), start).kind, held);
  expect_dropped(table.accept(first(40, datagram(2)), packet(4), start), Counter::fragment_overlap);
}

TEST_F(FragmentTableTest, an_exact_duplicate_is_dropped_alone) {  // RFC 8200 section 4.5
  ASSERT_EQ(table.accept(first(16), packet(1), start).kind, forward);
  expect_dropped(table.accept(first(16), packet(2), start), Counter::fragment_duplicate);
  EXPECT_EQ(table.accept(last(16, 8), packet(3), start).kind, forward);
}

TEST_F(FragmentTableTest, two_ends_condemn_the_datagram) {
  ASSERT_EQ(table.accept(first(16), packet(1), start).kind, forward);
  ASSERT_EQ(table.accept(last(64, 8), packet(2), start).kind, forward);
  expect_dropped(table.accept(last(128, 8), packet(3), start), Counter::fragment_lying);
  expect_dropped(table.accept(middle(16, 8), packet(4), start), Counter::fragment_lying);
}

TEST_F(FragmentTableTest, a_tiny_first_fragment_condemns_the_datagram) {  // RFC 1858
  ASSERT_EQ(table.accept(middle(8, 32), packet(1), start).kind, held);
  Fragment tiny = first(8);
  tiny.flow.reset();
  const auto result = table.accept(tiny, packet(2), start);
  expect_dropped(result, Counter::fragment_tiny_first);
  EXPECT_THAT(result.followers, ElementsAre(packet(1)));
  expect_dropped(table.accept(middle(40, 8), packet(3), start), Counter::fragment_tiny_first);
}

TEST_F(FragmentTableTest, lies_are_dropped_and_nothing_is_remembered_of_them) {
  const FragmentKey v4 = datagram(4, net::Family::v4);
  for (const Fragment& lie :
       {middle(8, 12), middle(8, 0), last(8, 0), last(65528, 8), last(65000, 60000), last(65512, 4, v4)}) {
    expect_dropped(table.accept(lie, packet(1), start), Counter::fragment_lying);
  }
  EXPECT_EQ(table.datagrams(), 0U);
  EXPECT_EQ(table.accept(last(65528, 7), packet(1), start).kind, held);
  EXPECT_EQ(table.accept(last(65512, 3, v4), packet(1), start).kind, held);
}

TEST_F(FragmentTableTest, a_datagram_whose_first_fragment_was_refused_elsewhere_is_condemned) {
  ASSERT_EQ(table.accept(middle(16, 16), packet(1), start).kind, held);
  const auto result = table.condemn(datagram(1), Counter::fragment_reassembly, start);
  expect_dropped(result, Counter::fragment_reassembly);
  EXPECT_THAT(result.followers, ElementsAre(packet(1)));
  expect_dropped(table.condemn(datagram(2), Counter::port_exhausted, start), Counter::port_exhausted);
  expect_dropped(table.accept(middle(16, 16, datagram(2)), packet(2), start), Counter::port_exhausted);
}

// ---- bounds

TEST_F(FragmentTableTest, few_fragments_of_one_datagram_wait) {
  std::uintptr_t number = 1;
  for (; number <= FragmentTable::max_held; ++number) {
    ASSERT_EQ(table.accept(middle(8 * static_cast<std::uint32_t>(number), 8), packet(number), start).kind,
              held);
  }
  expect_dropped(table.accept(middle(800, 8), packet(99), start), Counter::fragment_hold_full);
  const auto result = table.accept(first(8), packet(100), start);
  EXPECT_EQ(result.kind, forward);
  EXPECT_EQ(result.followers.size(), FragmentTable::max_held);
  EXPECT_EQ(table.accept(middle(800, 8), packet(101), start).kind, forward)
      << "what was not held may come again";
}

TEST_F(FragmentTableTest, few_fragments_wait_in_total_and_more_push_no_datagram_out) {
  for (std::uint32_t n = 0; n < 20; ++n) {
    ASSERT_EQ(table.accept(middle(8 + 8 * n, 8, datagram(1 + n % 2)), packet(n + 1), start).kind, held);
  }
  for (std::uint32_t id = 10; id < 20; ++id) {
    expect_dropped(table.accept(middle(8, 8, datagram(id)), packet(99), start), Counter::fragment_hold_full);
  }
  EXPECT_EQ(table.datagrams(), 2U);
  EXPECT_EQ(table.accept(first(8, datagram(30)), packet(99), start).kind, forward)
      << "in order it needs no room";
}

TEST_F(FragmentTableTest, the_oldest_datagram_gives_way_to_a_new_one) {
  for (std::uint32_t id = 1; id <= 4; ++id) {
    ASSERT_EQ(table.accept(middle(16, 8, datagram(id)), packet(id), start).kind, held);
  }
  const auto result = table.accept(first(16, datagram(5)), packet(5), start);
  EXPECT_EQ(result.kind, forward);
  EXPECT_THAT(result.evicted, ElementsAre(packet(1)));
  EXPECT_EQ(table.datagrams(), 4U);
  EXPECT_EQ(table.held(), 3U);
  EXPECT_THAT(table.accept(first(16, datagram(2)), packet(6), start).followers, ElementsAre(packet(2)));
}

TEST_F(FragmentTableTest, condemning_an_unknown_datagram_in_a_full_table_loses_no_handle) {
  for (std::uint32_t id = 1; id <= 4; ++id) {
    ASSERT_EQ(table.accept(middle(16, 8, datagram(id)), packet(id), start).kind, held);
  }
  EXPECT_THAT(table.condemn(datagram(9), Counter::fragment_reassembly, start).evicted,
              ElementsAre(packet(1)));
}

TEST_F(FragmentTableTest, a_datagram_is_forgotten_when_its_time_is_over) {
  ASSERT_EQ(table.accept(middle(16, 8, datagram(1)), packet(1), start).kind, held);
  ASSERT_EQ(table.accept(middle(16, 8, datagram(2)), packet(2), start + milliseconds{500}).kind, held);
  ASSERT_EQ(table.accept(middle(24, 8, datagram(1)), packet(3), start + milliseconds{1900}).kind, held);
  EXPECT_THAT(expire(start + seconds{2} - Duration{1}), IsEmpty());
  EXPECT_THAT(expire(start + seconds{2}), ElementsAre(packet(1), packet(3)))
      << "more fragments do not prolong it";
  EXPECT_EQ(table.datagrams(), 1U);
  EXPECT_THAT(expire(start + seconds{3}), ElementsAre(packet(2)));
  EXPECT_EQ(table.held(), 0U);
  EXPECT_THAT(table.accept(first(16, datagram(1)), packet(4), start + seconds{3}).followers, IsEmpty());
}

TEST_F(FragmentTableTest, a_condemned_datagram_is_pardoned_when_its_time_is_over) {
  ASSERT_EQ(table.accept(first(16), packet(1), start).kind, forward);
  expect_dropped(table.accept(middle(8, 16), packet(2), start), Counter::fragment_overlap);
  EXPECT_THAT(expire(start + seconds{2}), IsEmpty());
  EXPECT_EQ(table.accept(first(16), packet(3), start + seconds{2}).kind, forward);
}

TEST_F(FragmentTableTest, memory_is_as_stated) {
  const FragmentTable usual{{}, salt()};
  EXPECT_LE(usual.bytes(), 1024U * (2304U + 512U));
}

TEST_F(FragmentTableTest, every_handle_comes_back_exactly_once) {
  FragmentTable busy{{16, 40, seconds{2}}, salt()};
  Random random{3};
  std::set<Handle> inside;  // what the table holds
  const auto comes_back = [&](Handle handle) { ASSERT_EQ(inside.erase(handle), 1U); };
  std::array<unsigned, 3> kinds{};
  unsigned evictions = 0, timeouts = 0, followed = 0;
  Instant now = start;
  for (std::uintptr_t number = 1; number <= 200'000; ++number) {
    now += milliseconds{random.below(100) == 0 ? random.below(4000) : 0};
    busy.expire(now, [&](Handle handle) {
      comes_back(handle);
      ++timeouts;
    });
    const std::uint32_t units = random.below(8);
    Fragment fragment{
        datagram(random.below(30)), 8 * units, 8 * (1 + random.below(2)), random.below(5) != 0, {}};
    if (units == 0 && random.below(20) != 0) fragment.flow = flow;
    fragment.needs_length = fragment.key.id.host() % 3 == 0;
    const auto result = random.below(100) == 0 ? busy.condemn(fragment.key, Counter::fragment_reassembly, now)
                                               : busy.accept(fragment, packet(number), now);
    for (const Handle handle : result.evicted) comes_back(handle);
    ASSERT_TRUE(result.kind != held || inside.insert(packet(number)).second);
    for (const Handle handle : result.followers) comes_back(handle);
    ++kinds[static_cast<std::size_t>(result.kind)];
    followed += static_cast<unsigned>(result.followers.size());
    evictions += static_cast<unsigned>(result.evicted.size());
    ASSERT_EQ(busy.held(), inside.size());
    ASSERT_LE(busy.held(), 40U);
    ASSERT_LE(busy.datagrams(), 16U);
  }
  for (const unsigned count : kinds) EXPECT_GT(count, 1000U);
  EXPECT_GT(evictions, 100U);
  EXPECT_GT(timeouts, 100U);
  EXPECT_GT(followed, 1000U);
  busy.clear(comes_back);
  EXPECT_TRUE(inside.empty());
  EXPECT_EQ(busy.datagrams(), 0U);
}

}  // namespace
}  // namespace rgw::nat
