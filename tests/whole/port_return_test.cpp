// The device of a port is exchanged because its interface of the kernel is gone (OPS-10), with one worker,
// two and four:
// - nobody opens it while a worker holds the port, in whatever order the workers let go
// - meanwhile no worker reads the port; what is sent to it is dropped by name, what waited for it, too; other
// ports go on
// - afterwards sessions go on
// - a fault that is over comes again; one port says nothing of the other
// - a port closes its device and opens it anew by its name
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

class PortReturn : public WithWorkers {
 protected:
  PortReturn() {
    gateway.cables().on_renew = [this](PortId port) {
      ++asked[port.value()];
      return is_back[port.value()];
    };
  }
  /// Control looks at the links once.
  void look() {
    gateway.clock().advance(control::Controller::link_interval);
    gateway.controller().step();
  }
  void pass_looks(int looks = 2) {
    for (int i = 0; i < looks; ++i) gateway.pass(control::Controller::link_interval);
  }
  /// Each host's session, so that every worker has some.
  static PacketBuilder from(unsigned number) {
    return udp("10.0.0." + std::to_string(42 + number % 2) + ":" + std::to_string(5000 + number),
               "198.51.100.50:53");
  }

  std::array<unsigned, 2> asked{};
  std::array<bool, 2> is_back{};
  WholeGateway gateway{whole_realm(), GetParam()};
};

TEST_P(PortReturn, nobody_opens_the_device_while_a_worker_holds_the_port) {
  for (unsigned last = 0; last < gateway.workers(); ++last) {
    const unsigned before = asked[Gateway::outside];
    gateway.cables().gone[Gateway::outside] = true;
    look();
    for (unsigned i = 0; i < gateway.workers(); ++i) {
      if (i != last) gateway.worker(i).step();
    }
    for (int i = 0; i < 5; ++i) look();
    EXPECT_EQ(asked[Gateway::outside], before) << "worker " << last << " has not let go";
    gateway.worker(last).step();
    look();
    look();
    EXPECT_GT(asked[Gateway::outside], before);
    is_back[Gateway::outside] = true;
    pass_looks();
    is_back[Gateway::outside] = false;
    EXPECT_NE(gateway.leaves(from(last)), "");
  }
  EXPECT_EQ(asked[Gateway::inside], 0U);
}

TEST_P(PortReturn, meanwhile_nobody_touches_the_device_and_the_other_port_goes_on) {
  gateway.cables().gone[Gateway::outside] = true;
  pass_looks();
  ASSERT_GT(asked[Gateway::outside], 0U);
  const auto down = gateway.count(Counter::port_down);
  for (unsigned number = 0; number < 16; ++number) EXPECT_EQ(gateway.leaves(from(number)), "");
  EXPECT_EQ(gateway.count(Counter::port_down), down + 16);
  // What lies in the old device is not read.
  const auto received = gateway.count(Counter::rx_packets);
  gateway.put(Gateway::outside, udp("198.51.100.50:53", "198.51.100.1:5000").ip());
  gateway.turn_all();
  EXPECT_EQ(gateway.count(Counter::rx_packets), received);
  // The link is not taken for the port: it may be up again before the device is there.
  gateway.tell(ring::LinkState{PortId{Gateway::outside}, true});
  EXPECT_EQ(gateway.leaves(from(0)), "");
  EXPECT_EQ(gateway.count(Counter::port_down), down + 17);
  gateway.put(Gateway::inside, ping("10.0.0.42", "10.0.0.1", 7).ip());
  gateway.turn_all();
  EXPECT_FALSE(gateway.kernel(Gateway::inside).got.empty())
      << "the gateway itself is reached by the other port";
  is_back[Gateway::outside] = true;
  pass_looks();
  EXPECT_GT(gateway.count(Counter::rx_packets), received);
}

TEST_P(PortReturn, sessions_go_on_when_the_port_is_back) {
  for (const unsigned port : {Gateway::inside, Gateway::outside}) {
    std::vector<std::string> before;
    for (unsigned number = 0; number < 16; ++number) before.push_back(gateway.leaves(from(number)));
    const auto sessions = gateway.count(Counter::session_created_outbound);
    is_back[port] = false;
    gateway.cables().gone[port] = true;
    pass_looks(5);
    ASSERT_GT(asked[port], 0U);
    is_back[port] = true;
    pass_looks();
    for (unsigned number = 0; number < 16; ++number) {
      EXPECT_NE(before[number], "");
      EXPECT_EQ(gateway.leaves(from(number)), before[number]);
    }
    EXPECT_EQ(gateway.count(Counter::session_created_outbound), sessions);
  }
}

TEST_P(PortReturn, what_waited_for_the_device_is_dropped_when_the_worker_lets_go) {
  auto& context = gateway.worker(0).context();
  const auto down = gateway.count(Counter::port_down);
  context.outlets.transmit(PortId{Gateway::outside}, rte_pktmbuf_alloc(gateway.packets()));
  context.outlets.release(PortId{Gateway::outside});
  EXPECT_EQ(gateway.count(Counter::port_down), down + 1);
  context.flush();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  context.outlets.take(PortId{Gateway::outside});
  EXPECT_NE(gateway.leaves(from(0)), "");
}

RGW_WITH_WORKERS(PortReturn);

TEST(Port, closes_its_device_and_opens_it_anew_by_its_name) {
  start_eal();
  const auto pool = dataplane::make_packet_pool(4096, {.mtu = 1500});
  config::Port config;
  config.name = "outside";
  config.device = "net_ring_anew";
  dataplane::Port port{PortId{1}, config, 4, pool.get()};
  const auto mac = port.facts().mac;
  for (int i = 0; i < 3; ++i) {
    port.close();
    EXPECT_FALSE(port.is_open());
    port.reopen();
    EXPECT_TRUE(port.is_open());
    EXPECT_EQ(port.facts().mac, mac);
    rte_mbuf* sent = rte_pktmbuf_alloc(pool.get());  // such a device gives back what it gets
    ASSERT_EQ(port.send(0, &sent, 1), 1);
    rte_mbuf* received = nullptr;
    ASSERT_EQ(port.receive(0, &received, 1), 1);
    EXPECT_EQ(received, sent);
    rte_pktmbuf_free(received);
  }
  EXPECT_EQ(rte_mempool_in_use_count(pool.get()), 0U);
}

}  // namespace
}  // namespace rgw::test
