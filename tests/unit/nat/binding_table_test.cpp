// A worker's reservations (POOL-5, POOL-6, POOL-7, POOL-9): match order, claims in their order, deadlines,
// what is remembered of the end and for how long; nothing lost over many rounds, nothing more than there is
// room for.
#include "realmgw/nat/binding_table.hpp"

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using net::Protocol;
using net::Service;
using Refusal = BindingTable::Refusal;

const net::IpAddress e = *net::IpAddress::parse("198.51.100.10"),
                     other_e = *net::IpAddress::parse("2001:db8::10");
const net::IpAddress host = *net::IpAddress::parse("10.0.0.42"),
                     other_host = *net::IpAddress::parse("10.0.0.43");
const net::IpAddress remote = *net::IpAddress::parse("203.0.113.10");
constexpr Service ssh{Protocol::tcp, 22}, all{};
constexpr Instant start{1000s};

HashSalt salt() {
  Random random{1};
  return HashSalt{random};
}

class Bindings : public testing::Test {
 protected:
  bool bind(Service service, std::uint64_t reservation, std::uint32_t claim = 1, Duration hold = 2s,
            const net::IpAddress& to = host) {
    return table.bind(e, service, ReservationId{reservation}, claim, to, start + hold);
  }
  /// Which claim of which reservation a SYN to port 22 would take, as "reservation.claim"; or the refusal.
  std::string found(Duration at = 0s, Protocol protocol = Protocol::tcp, std::uint16_t port = 22) {
    const auto match = table.match(e, protocol, port, remote, start + at);
    if (match.found)
      return std::to_string(match.found->reservation.value()) + "." + std::to_string(match.found->claim);
    return match.refusal == Refusal::none_here ? "none"
           : match.refusal == Refusal::expired ? "expired"
           : match.refusal == Refusal::bound   ? "bound"
                                               : "spent";
  }
  void take(Duration at = 0s) {
    const auto match = table.match(e, Protocol::tcp, 22, remote, start + at);
    ASSERT_TRUE(match.found);
    table.take(*match.found, start + at);
  }
  void sweep_all(Duration at) {
    for (int i = 0; i < 64; ++i) table.sweep(start + at);
  }

  BindingTable table{64, salt()};
};

/// Claims that are bound to the client's prefix (GUARD-4).
class BoundBindings : public Bindings {
 protected:
  bool bind_to(std::string_view prefix, std::uint32_t claim, Service service = ssh,
               std::uint64_t reservation = 1) {
    const auto client = prefix.empty() ? std::nullopt : net::Prefix::parse(prefix);
    return table.bind(e, service, ReservationId{reservation}, claim, host, start + 2s, client);
  }
  std::string found_from(std::string_view source) {
    const auto match = table.match(e, Protocol::tcp, 22, *net::IpAddress::parse(source), start);
    if (match.found) return std::to_string(match.found->claim);
    return match.refusal == Refusal::bound ? "bound" : "other";
  }
  void take_from(std::string_view source) {
    table.take(*table.match(e, Protocol::tcp, 22, *net::IpAddress::parse(source), start).found, start);
  }
};

TEST_F(BoundBindings, another_s_packet_takes_no_claim_and_leaves_it) {
  ASSERT_TRUE(bind_to("203.0.113.0/24", 1));
  EXPECT_EQ(found_from("203.0.114.10"), "bound");
  EXPECT_EQ(found_from("2001:db8::1"), "bound");
  EXPECT_EQ(found_from("203.0.113.10"), "1");
}

TEST_F(BoundBindings, of_many_that_wait_each_takes_his_own_before_what_is_anybody_s) {  // POOL-9
  ASSERT_TRUE(bind_to("", 1) && bind_to("203.0.113.0/24", 2) && bind_to("198.18.0.0/15", 3) &&
              bind_to("", 4));
  EXPECT_EQ(found_from("203.0.113.10"), "2");
  EXPECT_EQ(found_from("198.19.1.1"), "3");
  EXPECT_EQ(found_from("192.0.2.1"), "1");
  take_from("203.0.113.10");
  EXPECT_EQ(found_from("203.0.113.10"), "1") << "a second client of the prefix asked by another resolver";
  take_from("192.0.2.1");
  take_from("192.0.2.1");
  EXPECT_EQ(found_from("192.0.2.1"), "bound");
  EXPECT_EQ(found_from("198.18.0.1"), "3");
}

TEST_F(BoundBindings, a_wider_reservation_takes_whom_the_narrow_one_is_not_for) {
  ASSERT_TRUE(bind_to("203.0.113.0/24", 1) && bind_to("", 9, all, 2));
  EXPECT_EQ(found_from("192.0.2.1"), "9");
  EXPECT_EQ(found_from("203.0.113.1"), "1");
}

TEST_F(BoundBindings, is_over_when_its_time_is) {
  ASSERT_TRUE(bind_to("203.0.113.0/24", 1));
  EXPECT_EQ(found(2s), "expired");
}

TEST_F(Bindings, are_matched_from_the_narrowest_to_the_widest) {  // POOL-5
  ASSERT_TRUE(bind(all, 1) && bind({Protocol::tcp, 0}, 2) && bind(ssh, 3));
  EXPECT_EQ(found(), "3.1");
  EXPECT_EQ(found(0s, Protocol::tcp, 23), "2.1");
  EXPECT_EQ(found(0s, Protocol::udp, 22), "1.1");
  EXPECT_EQ(found(0s, Protocol::icmp, 0), "1.1");
  EXPECT_FALSE(table.match(other_e, Protocol::tcp, 22, remote, start).found);
}

TEST_F(Bindings, promise_a_service_while_it_may_be_claimed_and_a_whole_address_never) {
  ASSERT_TRUE(bind(all, 1));
  EXPECT_FALSE(table.promises(e, Protocol::tcp, 22, start));
  ASSERT_TRUE(bind(ssh, 2));
  EXPECT_TRUE(table.promises(e, Protocol::tcp, 22, start));
  EXPECT_FALSE(table.promises(e, Protocol::udp, 22, start));
  EXPECT_FALSE(table.promises(e, Protocol::tcp, 22, start + 2s));
  take();
  EXPECT_FALSE(table.promises(e, Protocol::tcp, 22, start));
}

TEST_F(Bindings, give_each_claim_once_the_oldest_first) {  // POOL-6, POOL-9
  ASSERT_TRUE(bind(ssh, 1, 7) && bind(ssh, 1, 8) && bind(ssh, 1, 9));
  for (const char* claim : {"1.7", "1.8", "1.9"}) {
    EXPECT_EQ(found(), claim);
    take();
  }
  EXPECT_EQ(found(), "spent");
}

TEST_F(Bindings, expire_by_the_clock_of_who_asks) {  // POOL-7
  ASSERT_TRUE(bind(ssh, 1, 1, 1s) && bind(ssh, 1, 2, 2s));
  EXPECT_EQ(found(1s - 1ns), "1.1");
  EXPECT_EQ(found(1s), "1.2");
  EXPECT_EQ(found(2s - 1ns), "1.2");
  EXPECT_EQ(found(2s), "expired");
}

TEST_F(Bindings, take_a_claim_from_the_middle) {  // POOL-9: the first one has expired
  ASSERT_TRUE(bind(ssh, 1, 1, 1s) && bind(ssh, 1, 2, 3s) && bind(ssh, 1, 3, 3s));
  take(2s);
  EXPECT_EQ(found(2s), "1.3");
  ASSERT_TRUE(bind(ssh, 1, 4, 4s)) << "and the list goes on behind it";
  take(2s);
  EXPECT_EQ(found(2s), "1.4");
  take(2s);
  EXPECT_EQ(found(2s), "expired");
}

TEST_F(Bindings, remember_their_end_for_two_seconds) {  // OUT-6
  ASSERT_TRUE(bind(ssh, 1));
  take(1s);
  EXPECT_EQ(found(3s - 1ns), "spent");
  EXPECT_EQ(found(3s), "none");
  ASSERT_TRUE(bind(ssh, 2, 1, 10s));
  table.unbind(e, ssh, ReservationId{2}, true, start + 4s);
  EXPECT_EQ(found(5s), "expired");
  EXPECT_EQ(found(6s), "none");
}

TEST_F(Bindings, forget_at_once_what_was_narrowed) {  // POOL-10
  ASSERT_TRUE(bind(all, 1));
  table.unbind(e, all, ReservationId{1}, false, start);
  EXPECT_EQ(found(), "none");
}

TEST_F(Bindings, that_are_unknown_or_ended_are_unbound_in_vain) {
  table.unbind(e, ssh, ReservationId{99}, true, start);
  ASSERT_TRUE(bind(ssh, 1));
  take();
  ASSERT_TRUE(bind(ssh, 2, 1, 2s, other_host));
  table.unbind(e, ssh, ReservationId{1}, true, start);
  EXPECT_EQ(found(), "2.1") << "the next one of the same service stays";
  EXPECT_EQ(table.match(e, Protocol::tcp, 22, remote, start).found->inside, other_host);
}

TEST_F(Bindings, of_a_new_reservation_take_the_place_of_the_old_with_all_its_claims) {
  ASSERT_TRUE(bind(ssh, 1, 1) && bind(ssh, 1, 2));
  ASSERT_TRUE(bind(ssh, 2, 1, 2s, other_host));
  EXPECT_EQ(found(), "2.1");
  take();
  EXPECT_EQ(found(), "spent");
  table.unbind(e, ssh, ReservationId{1}, true, start);  // late word of what is gone: nothing happens
  EXPECT_EQ(found(), "spent");
}

TEST_F(Bindings, tell_the_host_of_the_narrowest_one) {
  EXPECT_EQ(table.host(e, Protocol::tcp, 22), nullptr);
  ASSERT_TRUE(bind(all, 1, 1, 2s, other_host) && bind(ssh, 2));
  EXPECT_EQ(*table.host(e, Protocol::tcp, 22), host);
  EXPECT_EQ(*table.host(e, Protocol::tcp, 23), other_host);
  EXPECT_EQ(table.host(other_e, Protocol::tcp, 22), nullptr);
}

TEST_F(Bindings, leave_nothing_behind_once_swept) {
  ASSERT_TRUE(bind(ssh, 1) && bind(all, 2) && bind({Protocol::udp, 0}, 3, 1, 3s));
  take();
  sweep_all(1s);
  EXPECT_EQ(table.size(), 3U) << "remembered";
  sweep_all(2s);
  EXPECT_EQ(table.size(), 2U);
  sweep_all(4s);  // control has said nothing: two seconds after the deadline they end here
  EXPECT_EQ(table.size(), 2U);
  sweep_all(6s);
  sweep_all(8s);
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(Bindings, are_no_more_than_there_is_room_for_and_come_back) {
  for (int round = 0; round < 100; ++round) {
    const auto base = static_cast<std::uint64_t>(round) * 1000 + 1;
    for (std::uint16_t i = 0; i < 64; ++i)
      ASSERT_TRUE(bind({Protocol::tcp, static_cast<std::uint16_t>(i + 1)}, base + i)) << round;
    EXPECT_FALSE(bind({Protocol::tcp, 1}, base, 2)) << "no claim is free";
    EXPECT_FALSE(bind({Protocol::tcp, 100}, base + 100));
    for (std::uint16_t i = 0; i < 64; ++i) {
      const Service service{Protocol::tcp, static_cast<std::uint16_t>(i + 1)};
      if (i % 2 == 0) {
        table.unbind(e, service, ReservationId{base + i}, false, start);
      } else {
        const auto match = table.match(e, Protocol::tcp, service.port, remote, start);
        ASSERT_TRUE(match.found);
        table.take(*match.found, start);
        table.unbind(e, service, ReservationId{base + i}, false, start);
      }
    }
    sweep_all(0s);
    ASSERT_EQ(table.size(), 0U);
  }
}

}  // namespace
}  // namespace rgw::nat
