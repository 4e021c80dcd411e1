#include "realmgw/dataplane/port.hpp"

#include "realmgw/dataplane/eal.hpp"
#include "realmgw/dataplane/xdp_rings.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <unistd.h>
#include <utility>
#include <vector>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

namespace rgw::dataplane {
namespace {

// A driver that asks for more gets it: net_af_xdp's 2048 outlast a worker that waits for its CPU longer than
// 1024 would.
constexpr std::uint16_t wanted_descriptors = 1024;

std::runtime_error refusal(const config::Port& config, const std::string& what) {
  return std::runtime_error{"port " + config.name + " (" + config.device + "): " + what};
}

// Drivers also say -1, which is no errno: it would read "Operation not permitted".
std::runtime_error failure(const config::Port& config, const std::string& what, int error) {
  if (error == -1) return refusal(config, what + "; what DPDK says of it stands before this (RGW-0040)");
  return refusal(config, what + ": " + rte_strerror(error < 0 ? -error : error));
}

// May the device put a packet of this MTU into several buffers, which the stages do not know? It fills of a
// buffer a power of two in the worst case (e1000); with some drivers the word that it cuts packets stands for
// any MTU above 1500.
bool cuts_packets(std::uint16_t device, unsigned mtu, rte_mempool& pool) {
  constexpr unsigned link = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;
  rte_eth_rxq_info queue{};
  if (rte_eth_rx_queue_info_get(device, 0, &queue) != 0 || queue.scattered_rx == 0) return false;
  const unsigned room = rte_pktmbuf_data_room_size(&pool) - RTE_PKTMBUF_HEADROOM;
  return std::bit_floor(room) < mtu + link;
}

// AF_XDP lends the kernel the pool as one piece of memory, cut into buffers of one size.
void check_af_xdp(const config::Port& config, const rte_mempool& pool) {
  if (!is_dense(pool)) {
    throw failure(config, "AF_XDP beside a device that needs physical addresses: it wants an IOMMU", ENOTSUP);
  }
  if (pool.header_size + pool.elt_size + pool.trailer_size > static_cast<unsigned>(::sysconf(_SC_PAGESIZE))) {
    throw refusal(config,
                  "AF_XDP's packet buffers are a page at most, so no port may have an MTU of more than " +
                      std::to_string(longest_mtu_in_a_page(false)) + ", and beside a card of more than " +
                      std::to_string(longest_mtu_in_a_page(true)));
  }
}

// The name by which DPDK knows the device of these arguments: what stands before the first comma.
std::string device_name(const std::string& arguments) {
  return arguments.substr(0, arguments.find(','));
}

// The longest MTU that the driver takes, as DPDK's own check of it reckons.
unsigned longest_mtu(const rte_eth_dev_info& info) {
  const bool says_mtu = info.max_mtu != UINT16_MAX && info.max_rx_pktlen > info.max_mtu;
  const unsigned overhead =
      says_mtu ? info.max_rx_pktlen - info.max_mtu : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
  return std::min<unsigned>(info.max_mtu, info.max_rx_pktlen - overhead);
}

}  // namespace

Port::Port(PortId id, const config::Port& config, unsigned workers, rte_mempool* pool)
    : config_{config},
      workers_{workers},
      pool_{pool},
      facts_{.id = id,
             .name = config.name,
             .side = config.side,
             .mac = {},
             .mtu = config.mtu,
             .addresses = config.addresses} {
  open();
}

void Port::open() {
  // Sockets are told apart by when they were opened, so one device is opened at a time.
  static std::mutex one_at_a_time;
  const std::scoped_lock lock{one_at_a_time};
  const auto before = xdp_sockets();
  find();
  is_open_ = true;
  try {
    configure();
  } catch (...) {
    close();
    throw;
  }
  link_taps();
  xdp_sockets_ = xdp_sockets();
  std::erase_if(xdp_sockets_, [&](ino_t socket) { return before.contains(socket); });
}

void Port::find() {
  const std::string name = device_name(config_.device);
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device_) == 0) return;
  if (const int error = rte_dev_probe(config_.device.c_str()); error != 0) {
    throw failure(config_, "the device cannot be opened", error);
  }
  if (const int error = rte_eth_dev_get_port_by_name(name.c_str(), &device_); error != 0) {
    throw failure(config_, "the device has no Ethernet port", error);
  }
}

void Port::reopen() {
  const net::MacAddress known = facts_.mac;
  open();
  if (facts_.mac == known) return;
  const std::string found = std::exchange(facts_.mac, known).to_string();
  close();
  throw refusal(config_, "its MAC address is " + found + " and was " + known.to_string());
}

void Port::add(PortTap& tap) {
  const std::scoped_lock lock{taps_lock_};
  taps_.push_back(&tap);
  if (carries_taps_) tap.link(device_, queues_);
}

void Port::remove(PortTap& tap) {
  const std::scoped_lock lock{taps_lock_};
  std::erase(taps_, &tap);
  if (carries_taps_) tap.unlink(device_);
}

/// DPDK would keep them for the next device of this number.
void Port::unlink_taps() {
  const std::scoped_lock lock{taps_lock_};
  if (!std::exchange(carries_taps_, false)) return;
  for (PortTap* tap : taps_) {
    tap->unlink(device_);
    tap->forget_unlinked();  // no worker touches the device
  }
}

void Port::link_taps() {
  const std::scoped_lock lock{taps_lock_};
  for (PortTap* tap : taps_) tap->link(device_, queues_);
  carries_taps_ = true;
}

void Port::close() {
  if (!is_open_) return;
  unlink_taps();
  is_open_ = false;
  rte_eth_dev_info info{};
  const bool known = rte_eth_dev_info_get(device_, &info) == 0;
  rte_eth_dev_stop(device_);
  rte_eth_dev_close(device_);
  // A device that DPDK made of its name; a card stays on its bus.
  if (known && info.device != nullptr && config_.device.starts_with("net_")) rte_dev_remove(info.device);
}

void Port::close_dead() {
  const auto left = is_open_ ? buffers_in_rings(xdp_sockets_, *pool_) : std::vector<rte_mbuf*>{};
  close();
  close_sockets(std::exchange(xdp_sockets_, {}));
  for (rte_mbuf* buffer : left) rte_pktmbuf_free(buffer);
}

void Port::configure() {
  const config::Port& config = config_;
  rte_mempool* const pool = pool_;
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(device_, &info); error != 0)
    throw failure(config, "no device info", error);
  driver_ = info.driver_name;
  kernel_index_ = info.if_index;
  if (driver_ == "net_af_xdp") check_af_xdp(config, *pool);
  if (const unsigned longest = longest_mtu(info); config.mtu > longest) {
    throw refusal(config, "an MTU of " + std::to_string(config.mtu) + " is more than " + driver_ +
                              " can have, " + std::to_string(longest));
  }
  queues_ = static_cast<std::uint16_t>(
      std::clamp<unsigned>(std::min<unsigned>(info.max_rx_queues, info.max_tx_queues), 1, workers_));

  rte_eth_conf settings{};
  spreads_ = false;
  // Every worker is told by software which packets are its own; RSS only makes it likelier that they arrive
  // there.
  constexpr std::uint64_t rss_fields = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
  if (queues_ > 1 && (info.flow_type_rss_offloads & rss_fields) != 0) {
    settings.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    settings.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & rss_fields;
    spreads_ = true;
  }
  if (const int error = rte_eth_dev_configure(device_, queues_, queues_, &settings); error != 0) {
    throw failure(config, "the device refuses " + std::to_string(queues_) + " queues", error);
  }
  if (const int error = rte_eth_dev_set_mtu(device_, config.mtu); error != 0 && error != -ENOTSUP) {
    throw failure(config, "the device refuses an MTU of " + std::to_string(config.mtu), error);
  }

  std::uint16_t rx = std::max(wanted_descriptors, info.default_rxportconf.ring_size);
  std::uint16_t tx = std::max(wanted_descriptors, info.default_txportconf.ring_size);
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(device_, &rx, &tx); error != 0) {
    throw failure(config, "no queue sizes", error);
  }
  const int socket = rte_eth_dev_socket_id(device_);
  const unsigned node = socket < 0 ? static_cast<unsigned>(SOCKET_ID_ANY) : static_cast<unsigned>(socket);
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(device_, queue, rx, node, nullptr, pool); error != 0) {
      throw failure(config, "no receive queue", error);
    }
    if (const int error = rte_eth_tx_queue_setup(device_, queue, tx, node, nullptr); error != 0) {
      throw failure(config, "no transmit queue", error);
    }
  }
  rte_ether_addr mac{};
  if (const int error = rte_eth_macaddr_get(device_, &mac); error != 0)
    throw failure(config, "no MAC address", error);
  std::memcpy(facts_.mac.bytes.data(), mac.addr_bytes, facts_.mac.bytes.size());
  if (const int error = rte_eth_dev_start(device_); error != 0)
    throw failure(config, "the device does not start", error);
  if (cuts_packets(device_, config.mtu, *pool)) {  // known once it is started
    rte_eth_dev_stop(device_);
    throw refusal(config, driver_ + " would cut packets of an MTU of " + std::to_string(config.mtu) +
                              " into several buffers; try a shorter one");
  }
  if (config.promiscuous) rte_eth_promiscuous_enable(device_);
  // For neighbour discovery, DHCP, routing protocols; not every device knows it.
  rte_eth_allmulticast_enable(device_);
}

Port::~Port() {
  close();
}

bool Port::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(device_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

Port::Stats Port::stats() const {
  rte_eth_stats s{};
  rte_eth_stats_get(device_, &s);
  return {s.ipackets, s.opackets, s.ibytes, s.obytes, s.imissed, s.ierrors, s.oerrors};
}

std::uint16_t Port::receive(std::uint16_t queue, rte_mbuf** packets, std::uint16_t room) const {
  return rte_eth_rx_burst(device_, queue, packets, room);
}

std::uint16_t Port::send(std::uint16_t queue, rte_mbuf** packets, std::uint16_t count) const {
  return rte_eth_tx_burst(device_, queue, packets, count);
}

}  // namespace rgw::dataplane
