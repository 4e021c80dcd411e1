// Events to the workers: to all, in order, none lost where a ring is full; packets; what the pool decides
// (POOL-1).
#include "realmgw/control/worker_links.hpp"

#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/realm_names.hpp"

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;

ring::Unbind unbind(std::uint64_t id) {
  return {ReservationId{id}, {}, {}, false};
}

std::vector<std::uint64_t> ids(Workers& workers, std::size_t worker) {
  std::vector<std::uint64_t> found;
  for (const auto& event : workers.events_of<ring::Unbind>(worker))
    found.push_back(event.reservation.value());
  return found;
}

class WorkerLinksTest : public testing::Test {
 protected:
  static constexpr unsigned ring_size = 7;  // of eight slots one stays empty
  CounterBlock counters;
  Workers workers{2, 8};
  WorkerLinks links{workers.links(), counters};
};

TEST_F(WorkerLinksTest, an_event_reaches_every_worker) {
  links.broadcast(unbind(1));
  EXPECT_TRUE(links.settled());
  EXPECT_THAT(ids(workers, 0), testing::ElementsAre(1));
  EXPECT_THAT(ids(workers, 1), testing::ElementsAre(1));
}

TEST_F(WorkerLinksTest, what_a_full_ring_does_not_take_comes_later_and_in_order) {
  for (std::uint64_t id = 0; id < 10; ++id) links.broadcast(unbind(id));
  EXPECT_FALSE(links.settled());
  std::vector<std::uint64_t> all = ids(workers, 0);
  EXPECT_THAT(all, SizeIs(ring_size));
  links.broadcast(unbind(10));  // there is room now, and yet it must not overtake
  links.flush();
  for (const auto id : ids(workers, 0)) all.push_back(id);
  std::vector<std::uint64_t> expected(11);
  for (std::uint64_t id = 0; id < 11; ++id) expected[id] = id;
  EXPECT_EQ(all, expected);
  EXPECT_FALSE(links.settled()) << "the other worker still has a full ring";
  static_cast<void>(ids(workers, 1));
  links.flush();
  EXPECT_TRUE(links.settled());
}

TEST_F(WorkerLinksTest, there_is_room_only_where_every_ring_has_it) {
  EXPECT_TRUE(links.room_for(ring_size));
  EXPECT_FALSE(links.room_for(ring_size + 1));
  ASSERT_TRUE(workers[1].events_to_worker.push(unbind(0)));
  EXPECT_FALSE(links.room_for(ring_size));
}

TEST_F(WorkerLinksTest, an_event_for_one_does_not_overtake_what_waits) {
  for (std::uint64_t id = 0; id < 8; ++id) links.broadcast(unbind(id));
  static_cast<void>(ids(workers, 0));
  EXPECT_FALSE(links.try_send(WorkerId{0}, unbind(9)));
  links.flush();
  EXPECT_TRUE(links.try_send(WorkerId{0}, unbind(9)));
}

TEST_F(WorkerLinksTest, a_packet_that_finds_no_room_is_counted_and_comes_back) {
  Packets packets;
  const Frame frame(60, 0);
  for (int i = 0; i < 256; ++i) {
    links.send(WorkerId{1}, packets.packet(frame, ring::Purpose::transmit, inside_port));
  }
  EXPECT_EQ(counters.get(Counter::worker_ring_full), 1U);
  for (int i = 0; i < 255; ++i) EXPECT_TRUE(workers.packet(1));
  EXPECT_FALSE(workers.packet(1));
}

class PoolRelayTest : public WorkerLinksTest {
 protected:
  pool::Binding binding(HostId host, const char* external) {
    return {ReservationId{5}, 3, ip(external), {net::Protocol::tcp, 22}, host, clock.now() + 2s};
  }
  ManualClock clock;
  pool::HostNames hosts = make_host_names(realm());
  PoolRelay relay{links, hosts};
};

TEST_F(PoolRelayTest, a_claim_is_told_with_the_address_of_its_host) {
  relay.bind(binding(HostId{1}, "198.51.100.10"));
  const auto told = workers.events_of<ring::Bind>(0);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].reservation, ReservationId{5});
  EXPECT_EQ(told[0].claim, 3U);
  EXPECT_EQ(told[0].external, ip("198.51.100.10"));
  EXPECT_EQ(told[0].inside, ip("10.0.0.43"));
  EXPECT_EQ(told[0].service, (net::Service{net::Protocol::tcp, 22}));
  EXPECT_EQ(told[0].deadline, clock.now() + 2s);
}

TEST_F(PoolRelayTest, the_inside_address_is_of_the_external_ones_family) {
  relay.bind(binding(HostId{1}, "2001:db8:100::10"));
  const auto told = workers.events_of<ring::Bind>(0);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].inside, ip("fd00:10::43"));
}

// OUT-6: a refusal is due to who comes late for a known host; a narrowed reservation goes on under another
// id.
TEST_F(PoolRelayTest, late_packets_may_be_refused_aloud_unless_the_reservation_was_narrowed) {
  const net::Service ssh{net::Protocol::tcp, 22};
  relay.unbind(ReservationId{1}, ip("198.51.100.10"), ssh, pool::End::expired);
  relay.unbind(ReservationId{2}, ip("198.51.100.10"), {}, pool::End::narrowed);
  const auto told = workers.events_of<ring::Unbind>(0);
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_TRUE(told[0].reject_after);
  EXPECT_EQ(told[0].service, ssh);
  EXPECT_EQ(told[0].external, ip("198.51.100.10"));
  EXPECT_FALSE(told[1].reject_after);
}

TEST_F(PoolRelayTest, a_wait_is_not_ended_before_every_worker_has_the_binding) {
  for (std::uint64_t id = 0; id < ring_size; ++id) ASSERT_TRUE(workers[1].events_to_worker.push(unbind(id)));
  relay.bind(binding(HostId{0}, "198.51.100.10"));
  relay.ready(pool::Ticket{9}, {pool::Granted::How::fresh, binding(HostId{0}, "198.51.100.10")});
  EXPECT_THAT(relay.take_ended(), IsEmpty());
  static_cast<void>(workers.events(1));
  links.flush();
  const auto ended = relay.take_ended();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].ticket, dns::Ticket{9});
  EXPECT_EQ(ended[0].address, ip("198.51.100.10"));
  EXPECT_THAT(relay.take_ended(), IsEmpty());
}

}  // namespace
}  // namespace rgw::control
