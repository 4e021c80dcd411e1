// Admission alone, without a dataplane: whose a packet is to judge, what it may open, and that whatever fails
// gives everything back. The scenarios show the same with packets; here are the corners that they do not
// reach.
#include "realmgw/nat/admission.hpp"

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using Kind = Admitted::Kind;
using net::Protocol;
using test::address;
using test::endpoint;
using test::FromInside;
using test::FromOutside;
using test::ping;
using test::tcp;
using test::udp;

constexpr Instant now{1000s};

Policy lab_policy() {
  Policy policy;
  policy.external = {address("198.51.100.1")};
  policy.shared_service = {address("198.51.100.1")};
  policy.local_services = {{Protocol::udp, 53}, {Protocol::icmp, 0}};
  policy.max_sessions = 64;
  policy.max_bindings = 64;
  return policy;
}

/// One worker's part of a gateway with `workers` of them.
struct World {
  explicit World(Policy p = lab_policy(), unsigned workers = 1, WorkerId self = {})
      : policy{std::move(p)}, law{workers, salt}, me{self} {}

  Random random{1};
  HashSalt salt{random};
  Policy policy;
  Ownership law;
  WorkerId me;
  SessionTable sessions{policy.max_sessions, salt, now};
  BindingTable bindings{policy.max_bindings, salt};
  SessionBook book{policy, law, me, sessions, bindings, salt};
  Admission admission{book, random};

  Admitted out(const test::PacketBuilder& packet) {
    const FromInside from{packet};
    const net::Packet& parsed = from.packet;
    const auto remote = admission.remote_of(
        parsed.family == net::Family::v4 ? net::IpAddress{parsed.key4.far} : net::IpAddress{parsed.key6.far},
        now);
    if (!remote) return Admitted::dropped(Counter::no_translation);
    return remote->is_v4() ? admission.outbound(parsed, remote->v4(), false, now)
                           : admission.outbound(parsed, remote->v6(), false, now);
  }
  Admitted in(const test::PacketBuilder& packet, bool service = false) {
    return admission.inbound(FromOutside{packet}.packet, service, false, now);
  }
  void bind(net::Service service, const char* host, std::uint64_t reservation = 1) {
    ASSERT_TRUE(bindings.bind(address("198.51.100.10"), service, ReservationId{reservation}, 1, address(host),
                              now + 2s));
  }
  /// The two segments that complete the handshake of a SYN with the number 1000 (GUARD-5).
  void complete(SessionSlot slot) {
    EXPECT_EQ(book.step(slot, {Side::inside, net::TcpHeader::syn | net::TcpHeader::ack, 5000, 1001, 0}, now),
              PledgeStep::passes);
    EXPECT_EQ(book.step(slot, {Side::outside, net::TcpHeader::ack, 1001, 5001, 0}, now),
              PledgeStep::completes);
  }
  /// Everything that sessions could hold is free.
  void expect_empty(std::size_t held) {
    EXPECT_EQ(sessions.size(), 0U);
    EXPECT_EQ(sessions.index().size(), 0U);
    EXPECT_EQ(book.occupied_ports(), held);
    EXPECT_EQ(book.mappings().size(), 0U);
  }
};

TEST(Admission, makes_a_session_that_is_complete) {  // OUT-1
  World world;
  const auto made = world.out(udp("10.0.0.42:5000", "203.0.113.10:53"));
  ASSERT_EQ(made.kind, Kind::session);
  const Session& session = world.sessions[made.slot];
  EXPECT_EQ(session.host(), address("10.0.0.42"));
  EXPECT_EQ(session.external(), address("198.51.100.1"));
  EXPECT_EQ(session.remote(Side::outside), address("203.0.113.10"));
  EXPECT_EQ(session.origin, Session::Origin::outbound);
  EXPECT_EQ(session.timer, TimerClass::udp);
  EXPECT_EQ(session.deadline, tick_of(now) + ticks_of(5min));
  EXPECT_EQ(world.sessions.find(session.outside), made.slot);
  world.book.end(made.slot, Counter::session_ended);
  world.expect_empty(1);
}

TEST(Admission, leaves_nothing_behind_where_the_table_is_full) {  // OUT-2
  for (const Mapping mapping : {Mapping::endpoint_independent, Mapping::address_and_port_dependent}) {
    Policy policy = lab_policy();
    policy.mapping = mapping;
    policy.max_sessions = 2;
    World world{policy};
    const auto a = world.out(udp("10.0.0.42:5000", "203.0.113.10:53")),
               b = world.out(udp("10.0.0.43:5000", "203.0.113.10:53"));
    EXPECT_EQ(world.out(udp("10.0.0.44:5000", "203.0.113.10:53")).why, Counter::session_table_full);
    world.book.end(a.slot, Counter::session_ended);
    world.book.end(b.slot, Counter::session_ended);
    world.expect_empty(1);
  }
}

TEST(Admission, leaves_nothing_behind_where_the_host_has_enough) {  // OUT-2, RFC 6888 REQ-4
  for (const Mapping mapping : {Mapping::endpoint_independent, Mapping::address_and_port_dependent}) {
    Policy policy = lab_policy();
    policy.mapping = mapping;
    policy.max_sessions_per_host = 1;
    World world{policy};
    const auto a = world.out(udp("10.0.0.42:5000", "203.0.113.10:53"));
    EXPECT_EQ(world.out(udp("10.0.0.42:5001", "203.0.113.10:53")).why, Counter::session_host_limit);
    EXPECT_EQ(world.out(udp("10.0.0.42:5002", "203.0.113.10:53")).why, Counter::session_host_limit);
    world.book.end(a.slot, Counter::session_ended);
    world.expect_empty(1);
    EXPECT_EQ(world.out(udp("10.0.0.42:5001", "203.0.113.10:53")).kind, Kind::session);
  }
}

TEST(Admission, sends_a_claim_to_the_host_s_home_and_takes_it_there_alone) {  // POOL-5, the law of ownership
  const World any_world{lab_policy(), 4};
  const WorkerId home = any_world.law.owner_in(address("10.0.0.42"));
  const WorkerId other{static_cast<std::uint8_t>((home.value() + 1) % 4)};
  World at_home{lab_policy(), 4, home}, elsewhere{lab_policy(), 4, other};
  at_home.bind({}, "10.0.0.42");
  elsewhere.bind({}, "10.0.0.42");
  const auto packet = tcp("203.0.113.10:4000", "198.51.100.10:22").syn();
  const auto passed_on = elsewhere.in(packet);
  EXPECT_EQ(passed_on.kind, Kind::elsewhere);
  EXPECT_EQ(passed_on.home, home);
  EXPECT_EQ(elsewhere.sessions.size(), 0U);
  const auto made = at_home.in(packet);
  ASSERT_EQ(made.kind, Kind::session);
  EXPECT_EQ(at_home.sessions[made.slot].ground, Ground::pledge);
  at_home.complete(made.slot);
  EXPECT_EQ(at_home.sessions[made.slot].ground, Ground::claim);
  EXPECT_EQ(at_home.in(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()).why, Counter::claim_spent);
  EXPECT_EQ(elsewhere.in(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()).kind, Kind::elsewhere)
      << "until control says so";
}

TEST(Admission, hands_out_only_ports_that_come_back_to_this_worker) {  // the law of ownership
  for (std::uint8_t me = 0; me < 4; ++me) {
    World world{lab_policy(), 4, WorkerId{me}};
    for (unsigned port = 1024; port < 1024 + 40; ++port) {
      const auto made =
          world.out(udp(net::Endpoint{address("10.0.0.42"), static_cast<std::uint16_t>(port)}.to_string(),
                        "203.0.113.10:53"));
      ASSERT_EQ(made.kind, Kind::session);
      const Session& session = world.sessions[made.slot];
      EXPECT_EQ(world.law.owner_out(session.external(), session.outside.tail.near_port.host()), WorkerId{me});
    }
  }
}

TEST(Admission,
     would_admit_exactly_what_it_admits_by_mapping_or_reservation) {  // POOL-5: what a closed connection asks
  Policy policy = lab_policy();
  policy.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.43:80")}};
  World world{policy};
  world.bind({Protocol::tcp, 22}, "10.0.0.42");
  const auto would = [&](const test::PacketBuilder& packet) {
    return world.admission.would_admit(FromOutside{packet}.packet, false, now);
  };
  EXPECT_TRUE(would(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()));
  EXPECT_TRUE(would(tcp("203.0.113.10:4000", "198.51.100.1:8080").syn()));
  EXPECT_FALSE(would(tcp("203.0.113.10:4000", "198.51.100.10:22").ack()));
  EXPECT_FALSE(would(tcp("203.0.113.10:4000", "198.51.100.10:23").syn()));
  EXPECT_FALSE(would(udp("203.0.113.10:4000", "198.51.100.1:8080")));
}

TEST(Admission, keeps_the_gateway_s_own_connections_apart_from_its_hosts) {  // OUT-9
  World world;
  const auto host = world.out(tcp("10.0.0.42:40000", "203.0.113.10:80").syn());
  ASSERT_EQ(host.kind, Kind::session);
  const auto own =
      world.admission.local(FromInside{tcp("198.51.100.1:40000", "203.0.113.10:80").syn()}.packet, now);
  ASSERT_EQ(own.kind, Kind::session);
  EXPECT_NE(world.sessions[own.slot].outside.tail.near_port,
            world.sessions[host.slot].outside.tail.near_port);
  EXPECT_TRUE(world.sessions[own.slot].local);
  EXPECT_EQ(
      world.admission.local(FromInside{tcp("198.51.100.9:40000", "203.0.113.10:80").syn()}.packet, now).why,
      Counter::no_external_address);
  world.book.end(own.slot, Counter::session_ended);
  world.book.end(host.slot, Counter::session_ended);
  world.expect_empty(1);
}

TEST(Admission, does_not_count_the_gateway_s_own_connections_against_a_limit_for_hosts) {  // OUT-9
  Policy policy = lab_policy();
  policy.max_sessions_per_host = 1;
  World world{policy};
  for (const char* own : {"198.51.100.1:40000", "198.51.100.1:40001", "198.51.100.1:40002"}) {
    EXPECT_EQ(world.admission.local(FromInside{udp(own, "203.0.113.10:53")}.packet, now).kind, Kind::session);
  }
}

TEST(Admission, asks_local_services_only_where_the_address_is_one) {  // POOL-11
  World world;
  EXPECT_EQ(world.in(udp("203.0.113.10:4000", "198.51.100.1:53"), true).kind, Kind::kernel);
  EXPECT_EQ(world.in(ping("203.0.113.10", "198.51.100.1", 9), true).kind, Kind::kernel);
  EXPECT_EQ(world.in(udp("203.0.113.10:4000", "198.51.100.10:53"), false).why, Counter::unmatched);
}

TEST(SessionsOfWorker, gives_twice_its_share_and_never_more_than_all) {
  Policy policy;
  policy.max_sessions = 1000;
  EXPECT_EQ(sessions_of_worker(policy, 1), 1000U);
  EXPECT_EQ(sessions_of_worker(policy, 2), 1000U);
  EXPECT_EQ(sessions_of_worker(policy, 4), 501U);
}

}  // namespace
}  // namespace rgw::nat
