// The whole control thread, its crank turned by hand; the test holds the workers' ends of the rings, and the
// kernel's.
//   DNS to pool to workers and back: POOL-1, POOL-5, POOL-7, POOL-8
//   neighbours and the kernel's share: resolve, learn, punt, and what the kernel sends (OUT-9)
//   link state; the operator's commands (OPS-3), with workers that answer, and one that does not
#include "realmgw/control/controller.hpp"

#include "realmgw/control/socket_address.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

struct Postbox final : DnsTransport {
  std::vector<DnsAnswer> answers;
  void send(const ReplyPath&, std::span<const std::uint8_t> answer) override {
    answers.push_back(read_answer(answer).value());
  }
};

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() { controller->step(); }
  ~ControllerTest() override { controller.reset(); }

  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.pool.addresses.resize(1);  // 198.51.100.10
    return realm;
  }
  std::unique_ptr<Controller> make() {
    return std::make_unique<Controller>(Surroundings{clock,
                                                     snapshot,
                                                     workers.links(),
                                                     packets.pool(),
                                                     ports,
                                                     [this](const ring::PortFacts& port) {
                                                       auto made = std::make_unique<QueuePort>();
                                                       kernel[port.id.value()] = made.get();
                                                       return made;
                                                     },
                                                     1,
                                                     "0.0.1",
                                                     {endpoint("127.0.0.1:0")},
                                                     socket});
  }
  std::optional<DnsAnswer> ask(const char* name, std::uint16_t id = 1) {
    const ReplyPath path{&postbox, dns::Transport::udp, endpoint("203.0.113.9:4000")};
    return read_answer(controller->dns().answer(dns_query(name, 1, id), path, clock.now(), room));
  }
  void hand_up(ring::PacketBuffer packet, std::size_t worker = 0) {
    ASSERT_TRUE(workers[worker].packets_to_control.push(packet.release()));
  }
  void wait(Duration time) {
    clock.advance(time);
    controller->step();
  }

  FileDescriptor asked(const std::string& line) const {
    FileDescriptor client{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket.c_str());
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(client.get(), line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
    return client;
  }
  /// The answer to an operator's question, within so many turns; the worker's part is `work`.
  json answer(const std::string& line, const std::function<void()>& work = {}, int turns = 50) {
    const auto client = asked(line + "\n");
    std::string text;
    for (int i = 0; i < turns; ++i) {
      controller->step();
      if (work) work();
      std::array<char, 65536> piece;
      const auto got = recv(client.get(), piece.data(), piece.size(), 0);
      if (got == 0) return json::parse(text);
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    }
    ADD_FAILURE() << "no answer: " << text;
    return {};
  }
  /// Fills pages as a worker would, out of a table of `sessions` that it pages by slot.
  void fill_pages(std::size_t worker, std::uint32_t sessions) {
    for (const auto& query : workers.events_of<ring::SessionsQuery>(worker)) {
      std::uint32_t slot = query.cursor;
      for (; slot < sessions && query.page->count < ring::SessionsPage::capacity; ++slot) {
        nat::SessionInfo& session = query.page->rows[query.page->count++];
        session = {};
        session.protocol = net::Protocol::udp;
        session.worker = static_cast<std::uint8_t>(worker);
        session.inside = {ip("10.0.0.42"), static_cast<std::uint16_t>(slot)};
      }
      ASSERT_TRUE(workers[worker].events_to_control.push(
          ring::SessionsPageFilled{query.page, slot, slot == sessions}));
    }
  }

  Packets packets;
  ManualClock clock;
  std::shared_ptr<const ring::Snapshot> snapshot = test::snapshot(the_realm());
  Workers workers{2};
  FixedPorts ports;
  std::array<QueuePort*, 2> kernel{};
  Postbox postbox;
  std::array<std::uint8_t, 1232> room;
  std::string socket =
      std::filesystem::temp_directory_path() / ("rgw-controller-" + std::to_string(getpid()) + ".sock");
  std::unique_ptr<Controller> controller = make();
};

// A flood of queries delays the kernel's share by no more than one turn's part of the flood.
TEST_F(ControllerTest, queries_are_served_behind_all_else) {
  for (unsigned i = 0; i < 255; ++i) {
    auto query = packets.packet(Frame(60), ring::Purpose::query, PortId{1});
    ASSERT_TRUE(workers[0].queries_to_control.push(query.release()));
    query = packets.packet(Frame(60), ring::Purpose::query, PortId{1});
    ASSERT_TRUE(workers[1].queries_to_control.push(query.release()));
  }
  Frame frame(60);
  frame[20] = 7;
  hand_up(packets.packet(frame, ring::Purpose::to_kernel, PortId{1}), 1);
  controller->step();
  const auto& written = kernel[1]->written_to_kernel;
  ASSERT_THAT(written, testing::Not(IsEmpty()));
  EXPECT_EQ(written.front(), frame);
  EXPECT_TRUE(workers[0].queries_to_control.empty());
  EXPECT_TRUE(workers[1].queries_to_control.empty());
}

// POOL-5: a claim frees the address, and the workers forget the reservation.
TEST_F(ControllerTest, a_claim_ends_its_reservation_on_all_workers) {
  ASSERT_TRUE(ask("hosta.foo")->address);
  const auto bound = workers.events_of<ring::Bind>(1);
  ASSERT_THAT(bound, SizeIs(1));
  ASSERT_TRUE(workers[0].events_to_control.push(
      ring::Claimed{bound[0].reservation, bound[0].claim, clock.now(), endpoint("203.0.113.9:5000"), {}}));
  controller->step();
  for (const std::size_t worker : {0, 1}) {
    EXPECT_THAT(workers.events_of<ring::Unbind>(worker), SizeIs(1)) << worker;
  }
  EXPECT_EQ(controller->pool().use().reservations, 0U);
  EXPECT_EQ(controller->counters().get(Counter::pool_claimed), 1U);
}

// POOL-7.
TEST_F(ControllerTest, an_unclaimed_reservation_ends_at_its_deadline) {
  ASSERT_TRUE(ask("hosta.foo")->address);
  static_cast<void>(workers.events(0));
  wait(1999ms);
  EXPECT_THAT(workers.events_of<ring::Unbind>(0), IsEmpty());
  wait(1ms);
  const auto ended = workers.events_of<ring::Unbind>(0);
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_TRUE(ended[0].reject_after);
}

// POOL-8.
TEST_F(ControllerTest, a_query_that_waits_is_answered_when_a_claim_frees_an_address) {
  ASSERT_TRUE(ask("hosta.foo", 1)->address);
  const auto bound = workers.events_of<ring::Bind>(0);
  EXPECT_FALSE(ask("tcp22.hostb.foo", 3)) << "the only address carries all of hosta";
  EXPECT_EQ(controller->dns().waiting(), 1U);
  ASSERT_TRUE(workers[0].events_to_control.push(
      ring::Claimed{bound[0].reservation, bound[0].claim, clock.now(), {}, {}}));
  controller->step();
  ASSERT_THAT(postbox.answers, SizeIs(1));
  EXPECT_EQ(postbox.answers[0].id, 3);
  EXPECT_EQ(postbox.answers[0].address, ip("198.51.100.10"));
  EXPECT_EQ(controller->dns().waiting(), 0U);
}

TEST_F(ControllerTest, a_query_that_waits_in_vain_is_not_answered) {
  ASSERT_TRUE(ask("hosta.foo", 1)->address);
  EXPECT_FALSE(ask("tcp22.hostb.foo", 2));
  wait(400ms);
  EXPECT_THAT(postbox.answers, IsEmpty());
  EXPECT_EQ(controller->dns().waiting(), 0U);
  EXPECT_EQ(controller->counters().get(Counter::dns_silent), 1U);
}

// POOL-1: the answer stays until the ring that was full has taken the binding.
TEST_F(ControllerTest, a_late_answer_does_not_overtake_its_binding) {
  ASSERT_TRUE(ask("hosta.foo", 1)->address);
  EXPECT_FALSE(ask("tcp22.hostb.foo", 2));
  const auto bound = workers.events_of<ring::Bind>(0);
  while (workers[1].events_to_worker.push(ring::LinkState{inside_port, true})) {
  }
  ASSERT_TRUE(workers[0].events_to_control.push(
      ring::Claimed{bound[0].reservation, bound[0].claim, clock.now(), {}, {}}));
  controller->step();
  controller->step();
  EXPECT_THAT(postbox.answers, IsEmpty());
  EXPECT_THAT(workers.events_of<ring::Bind>(0), SizeIs(1)) << "the other worker has it long since";
  static_cast<void>(workers.events(1));
  controller->step();
  EXPECT_THAT(workers.events_of<ring::Bind>(1), SizeIs(1));
  EXPECT_THAT(postbox.answers, SizeIs(1));
}

TEST_F(ControllerTest, dns_is_served_on_a_socket) {
  ASSERT_THAT(controller->dns_listening(), SizeIs(1));
  FileDescriptor client{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
  const auto to = to_socket_address(controller->dns_listening()[0]);
  const Frame query = dns_query("ns1.foo", 1, 77);
  ASSERT_GT(sendto(client.get(), query.data(), query.size(), 0, to.get(), to.length), 0);
  ssize_t got = -1;
  for (int i = 0; i < 1000 && got < 0; ++i) {
    controller->step(std::chrono::milliseconds{5});
    got = recv(client.get(), room.data(), room.size(), 0);
  }
  ASSERT_GT(got, 0);
  EXPECT_EQ(read_answer(std::span{room}.first(static_cast<std::size_t>(got)))->id, 77);
}

TEST_F(ControllerTest, a_packet_without_a_next_hop_comes_back_to_its_worker_with_the_mac) {
  hand_up(packets.to_resolve("10.0.0.42", inside_port, 7, WorkerId{1}), 1);
  controller->step();
  const auto question = workers.packet(0);
  ASSERT_TRUE(question);
  EXPECT_EQ(question.note().purpose, ring::Purpose::transmit);
  EXPECT_EQ(question.note().port, inside_port);
  EXPECT_EQ(question.bytes()[13], 0x06) << "ARP";

  hand_up(packets.packet(arp(2, peer_mac, "10.0.0.42", "10.0.0.1", own_inside_mac), ring::Purpose::neighbour,
                         inside_port));
  controller->step();
  for (const std::size_t worker : {0, 1}) {
    const auto told = workers.events_of<ring::NeighbourUpdate>(worker);
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].mac, peer_mac);
  }
  const auto back = workers.packet(1);
  ASSERT_TRUE(back);
  EXPECT_EQ(back.note().purpose, ring::Purpose::transmit);
  EXPECT_EQ(back.bytes()[33], 7);
  EXPECT_TRUE(std::equal(peer_mac.bytes.begin(), peer_mac.bytes.end(), back.bytes().begin()));
}

// The worker has answered what asks for us; the kernel's own questions need their replies.
TEST_F(ControllerTest, the_kernel_sees_replies_and_questions_for_others_but_not_questions_for_us) {
  const auto hear = [&](const Frame& frame) {
    hand_up(packets.packet(frame, ring::Purpose::neighbour, inside_port));
  };
  hear(arp(2, peer_mac, "10.0.0.42", "10.0.0.1", own_inside_mac));
  hear(arp(1, peer_mac, "10.0.0.42", "10.0.0.1"));
  hear(arp(1, peer_mac, "10.0.0.42", "10.0.0.99"));
  hear(nd({.options = link_layer_option(2, peer_mac)}));
  hear(nd({.type = 135, .target = "fd00:10::1", .options = link_layer_option(1, peer_mac)}));
  controller->step();
  EXPECT_THAT(kernel[0]->written_to_kernel, SizeIs(3));
  EXPECT_THAT(kernel[1]->written_to_kernel, IsEmpty());
}

TEST_F(ControllerTest, frames_pass_between_kernel_and_workers) {
  const Frame up(60, 1);
  const Frame down(60, 2);
  hand_up(packets.packet(up, ring::Purpose::to_kernel, outside_port));
  kernel[1]->sent_by_kernel.push_back(down);
  controller->step();
  ASSERT_THAT(kernel[1]->written_to_kernel, SizeIs(1));
  EXPECT_EQ(kernel[1]->written_to_kernel[0], up);
  const auto packet = workers.packet(0);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet.note().purpose, ring::Purpose::from_kernel);
  EXPECT_EQ(packet.note().port, outside_port);
  EXPECT_TRUE(std::equal(down.begin(), down.end(), packet.bytes().begin(), packet.bytes().end()));
}

TEST_F(ControllerTest, a_frame_that_the_kernel_does_not_take_is_counted) {
  kernel[0]->takes = false;
  hand_up(packets.packet(Frame(60, 1), ring::Purpose::to_kernel, inside_port));
  controller->step();
  EXPECT_EQ(controller->counters().get(Counter::tap_write_failed), 1U);
}

TEST_F(ControllerTest, what_lies_in_the_rings_at_the_end_comes_back) {
  hand_up(packets.packet(Frame(60, 1), ring::Purpose::to_kernel, inside_port));
  hand_up(packets.to_resolve("10.0.0.42", inside_port));
  kernel[0]->sent_by_kernel.push_back(Frame(60, 2));
  controller->step();
  hand_up(packets.packet(Frame(60, 1), ring::Purpose::to_kernel, inside_port));
  controller.reset();
  EXPECT_EQ(rte_mempool_in_use_count(packets.pool()), 0U);
}

TEST_F(ControllerTest, workers_hear_of_a_link_once_at_first_and_then_of_its_changes) {
  EXPECT_THAT(workers.events_of<ring::LinkState>(0), SizeIs(2));
  wait(Controller::link_interval);
  EXPECT_THAT(workers.events_of<ring::LinkState>(0), IsEmpty());
  ports.statuses[1].link_up = false;
  wait(Controller::link_interval);
  const auto told = workers.events_of<ring::LinkState>(0);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].port, outside_port);
  EXPECT_FALSE(told[0].up);
}

TEST_F(ControllerTest, status_tells_of_ports_workers_pool_and_packet_buffers) {
  workers.counters(0).add(Counter::session_created_outbound, 5);
  workers.counters(1).add(Counter::session_created_inbound, 2);
  workers.counters(1).add(Counter::session_expired, 1);
  static_cast<void>(ask("hosta.foo"));
  wait(1500ms);
  const json status = answer("status");
  EXPECT_EQ(status["realm"], "foo");
  EXPECT_EQ(status["version"], "0.0.1");
  EXPECT_EQ(status["uptime_s"], 1);
  EXPECT_EQ(status["sessions"], 6);
  EXPECT_THAT(status["workers"], SizeIs(2));
  EXPECT_EQ(status["workers"][1]["sessions"], 1);
  ASSERT_THAT(status["ports"], SizeIs(2));
  EXPECT_EQ(status["ports"][1]["name"], "outside");
  EXPECT_EQ(status["ports"][1]["link"], "up");
  EXPECT_EQ(status["ports"][1]["fault"], nullptr);
  EXPECT_EQ(status["ports"][1]["rx_packets"], 33);
  EXPECT_EQ(status["mbufs"], (json{{"total", 1023}, {"free", 1023}}));
  EXPECT_EQ(status["pool"]["reservations"], 1);
}

TEST_F(ControllerTest, pool_and_hosts_tell_who_is_waited_for) {
  static_cast<void>(ask("tcp22.hostb.foo"));
  const json pool = answer("pool");
  EXPECT_EQ(pool["addresses"],
            (json::array({{{"address", "198.51.100.10"}, {"state", "carrying"}, {"reservations", 1}}})));
  ASSERT_THAT(pool["reservations"], SizeIs(1));
  EXPECT_EQ(pool["reservations"][0]["service"], "tcp22");
  EXPECT_EQ(pool["reservations"][0]["host"], "hostb");
  EXPECT_EQ(pool["reservations"][0]["expires_ms"], 2000);
  const json hosts = answer("hosts");
  ASSERT_THAT(hosts, SizeIs(2));
  EXPECT_EQ(hosts[0]["services"], "any");
  EXPECT_EQ(hosts[1]["services"], json::array({"tcp22"}));
  EXPECT_EQ(hosts[1]["pending"], 1);
}

TEST_F(ControllerTest, counters_are_summed_over_the_threads_or_told_for_each) {
  workers.counters(0).add(Counter::rx_packets, 2);
  workers.counters(1).add(Counter::rx_packets, 3);
  static_cast<void>(ask("hosta.foo"));
  const json sums = answer("counters");
  EXPECT_EQ(sums["rx_packets"], 5);
  EXPECT_EQ(sums["pool_reserved"], 1);
  EXPECT_EQ(sums.size(), counter_count);
  const json each = answer("counters per-thread");
  EXPECT_EQ(each["worker1"]["rx_packets"], 3);
  EXPECT_EQ(each["control"]["pool_reserved"], 1);
}

TEST_F(ControllerTest, sessions_of_all_workers_are_listed_page_by_page) {
  const auto work = [this] {
    fill_pages(0, 600);
    fill_pages(1, 3);
  };
  const json all = answer("sessions", work);
  ASSERT_THAT(all, SizeIs(603));
  EXPECT_EQ(all[599]["inside"], "10.0.0.42:599");
  EXPECT_EQ(all[600]["worker"], 1);
  EXPECT_THAT(answer("sessions limit 300", work), SizeIs(300));
  EXPECT_THAT(answer("sessions limit 0", work), IsEmpty());
}

TEST_F(ControllerTest, deletions_of_sessions_come_one_after_the_other_to_the_workers) {
  const auto first = asked("sessions delete port 22\n"), second = asked("sessions delete all\n");
  for (int i = 0; i < 5; ++i) controller->step();
  const auto wishes = workers.events_of<ring::SessionsDelete>(0);
  ASSERT_THAT(wishes, SizeIs(1));
  EXPECT_EQ(wishes[0].filter->port, 22);
  EXPECT_THAT(workers.events_of<ring::SessionsDelete>(1), SizeIs(1));
  ASSERT_TRUE(workers[0].events_to_control.push(ring::SessionsDeleted{2}));
  controller->step();
  EXPECT_THAT(workers.events_of<ring::SessionsDelete>(0), IsEmpty()) << "the other worker is not done";
  ASSERT_TRUE(workers[1].events_to_control.push(ring::SessionsDeleted{3}));
  for (int i = 0; i < 3; ++i) controller->step();
  std::array<char, 100> said{};
  ASSERT_GT(recv(first.get(), said.data(), said.size(), 0), 0);
  EXPECT_EQ(json::parse(std::string{said.data()})["deleted"], 5);
  const auto next = workers.events_of<ring::SessionsDelete>(0);
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_TRUE(next[0].filter->is_empty());
}

TEST_F(ControllerTest, tells_its_version) {
  EXPECT_EQ(answer("version")["version"], "0.0.1");
}

TEST_F(ControllerTest, mappings_of_all_workers_are_listed) {
  const auto work = [this] {
    for (std::size_t worker = 0; worker < 2; ++worker) {
      for (const auto& query : workers.events_of<ring::MappingsQuery>(worker)) {
        query.page->rows[query.page->count++] = {
            nat::MappingInfo::Kind::dynamic, net::Protocol::udp,         static_cast<std::uint8_t>(worker),
            endpoint("[fd00:10::5]:9"),      endpoint("198.51.100.1:9"), 3};
        ASSERT_TRUE(workers[worker].events_to_control.push(ring::MappingsPageFilled{query.page, 1, true}));
      }
    }
  };
  const json all = answer("bib", work);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[1], (json{{"kind", "dynamic"},
                          {"protocol", "udp"},
                          {"worker", 1},
                          {"inside", "[fd00:10::5]:9"},
                          {"external", "198.51.100.1:9"},
                          {"sessions", 3}}));
  EXPECT_THAT(answer("bib limit 1", work), SizeIs(1));
}

TEST_F(ControllerTest, pinholes_of_all_workers_are_listed) {
  const auto work = [this] {
    for (std::size_t worker = 0; worker < 2; ++worker) {
      for (const auto& query : workers.events_of<ring::PinholesQuery>(worker)) {
        query.page->rows[query.page->count++] = {.id = 77,
                                                 .protocol = net::Protocol::udp,
                                                 .arrival = net::Side::outside,
                                                 .ports = 2,
                                                 .worker = static_cast<std::uint8_t>(worker),
                                                 .one_remote = true,
                                                 .used = true,
                                                 .inside = endpoint("10.0.0.42:4000"),
                                                 .external = endpoint("198.51.100.1:50000"),
                                                 .remote = endpoint("203.0.113.9:0"),
                                                 .sessions = 1,
                                                 .expires_s = 30};
        ASSERT_TRUE(workers[worker].events_to_control.push(ring::PinholesPageFilled{query.page, 1, true}));
      }
    }
  };
  const json all = answer("pinholes", work);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[1], (json{{"protocol", "udp"},
                          {"arrival", "outside"},
                          {"inside", "10.0.0.42:4000"},
                          {"external", "198.51.100.1:50000"},
                          {"ports", 2},
                          {"remote", "203.0.113.9"},
                          {"worker", 1},
                          {"sessions", 1},
                          {"used", true},
                          {"expires_s", 30}}))
      << "one whose ALG has let go of it since";
  EXPECT_THAT(answer("pinholes limit 1", work), SizeIs(1));
}

TEST_F(ControllerTest, an_address_is_asked_for_under_every_rule) {
  static_cast<void>(ask("tcp22.hostb.foo"));
  const json pool = answer("map 198.51.100.10");
  ASSERT_THAT(pool["translations"], SizeIs(1));
  EXPECT_EQ(pool["translations"][0],
            (json{{"rule", "reservation"}, {"becomes", "hostb"}, {"by", "tcp22, 1 claim"}}));
  EXPECT_EQ(answer("map here")["error"], "map takes an IP address");
  EXPECT_EQ(answer("map")["error"], "map takes an IP address");
  EXPECT_THAT(answer("eam")["maps"], IsEmpty());
}

TEST_F(ControllerTest, a_reader_that_leaves_gives_its_page_back_once_the_worker_has_filled_it) {
  for (std::size_t i = 0; i < SessionPages::count; ++i) {
    const auto client = asked("sessions\n");
    for (int turn = 0; turn < 5; ++turn) controller->step();
  }
  for (int turn = 0; turn < 5; ++turn) controller->step();
  EXPECT_THAT(answer("sessions",
                     [this] {
                       fill_pages(0, 1);
                       fill_pages(1, 0);
                     }),
              SizeIs(1));
}

}  // namespace
}  // namespace rgw::control
