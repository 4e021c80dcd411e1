// What a machine lacks (OPS-1): each finding by itself, on a machine made of files, beside one that lacks
// nothing.
//   cores, capabilities, memory; cards with their drivers and IOMMU; interfaces of the kernel with their
//   offloads, MTU and addresses; forwarding; what other processes hold; which findings refuse a start
#include "realmgw/app/here.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::app {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Weight = Finding::Weight;

auto error(const std::string& what, const std::string& cure) {
  return AllOf(Field("weight", &Finding::weight, Weight::error),
               Field("what", &Finding::what, HasSubstr(what)),
               Field("cure", &Finding::cure, HasSubstr(cure)));
}
auto warning(const std::string& what, const std::string& cure) {
  return AllOf(Field("weight", &Finding::weight, Weight::warning),
               Field("what", &Finding::what, HasSubstr(what)),
               Field("cure", &Finding::cure, HasSubstr(cure)));
}

class HereTest : public testing::Test {
 protected:
  HereTest() {
    std::string made = fs::temp_directory_path() / "rgw-here-XXXXXX";
    root = ::mkdtemp(made.data());
    machine.root = root;
    machine.usable_cpus = {0, 1, 2, 3};
    machine.interface = [this](const std::string& name) -> std::optional<Interface> {
      const auto found = interfaces.find(name);
      return found == interfaces.end() ? std::nullopt : std::optional{found->second};
    };
    machine.device_holder = [this](const std::string&) { return device_holder; };
    machine.socket_holder = [this](const std::string&) { return socket_holder; };
    file("sys/devices/system/cpu/online", "0-5");
    for (int cpu = 0; cpu < 6; ++cpu)
      file("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/online", "1");
    file("proc/self/status", "Name:\trealmgwd\nCapEff:\t000001ffffffffff\n");
    file("proc/meminfo",
         "MemAvailable:   16000000 kB\nHugePages_Total:    2048\nHugePages_Free:     2048\n"
         "Hugepagesize:       2048 kB\n");
    file("dev/net/tun", "");
    file("proc/sys/net/ipv4/ip_forward", "0");
    file("proc/sys/net/ipv4/ip_unprivileged_port_start", "1024");
    file("proc/sys/net/ipv6/conf/all/forwarding", "0");
    for (const char* interface : {"eth1", "eth2"}) {
      const std::string name_of{interface};
      interfaces[name_of] = {
          .up = true, .carrier = true, .longest_mtu = 65535, .offloads = {}, .addresses = {}};
      file("proc/sys/net/ipv4/conf/" + name_of + "/forwarding", "0");
      file("proc/sys/net/ipv6/conf/" + name_of + "/disable_ipv6", "1");
    }
    add_port("inside", net::Side::inside, "net_af_xdp_in,iface=eth1", "10.0.0.1/24");
    add_port("outside", net::Side::outside, "net_af_xdp_out,iface=eth2", "198.51.100.1/24");
    realm.dns.listen = {net::IpAddress::parse("198.51.100.1").value()};
    realm.control_socket = "/run/realmgw/realmgw.sock";
  }
  ~HereTest() override { fs::remove_all(root); }

  void file(const std::string& path, const std::string& text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream{root / path} << text << '\n';
  }
  void link(const std::string& path, const std::string& target) const {
    fs::create_directories((root / path).parent_path());
    fs::remove(root / path);
    fs::create_symlink(target, root / path);
  }
  void add_port(std::string name, net::Side side, std::string device, const char* address) {
    config::Port port;
    port.name = std::move(name);
    port.side = side;
    port.device = std::move(device);
    port.addresses = {net::InterfaceAddress::parse(address).value()};
    realm.ports.push_back(std::move(port));
  }
  /// A card that DPDK can have, in the place of the first port.
  void have_card(const std::string& driver) {
    realm.ports[0].device = "0000:3b:00.0,some=argument";
    fs::create_directories(root / card);
    if (!driver.empty()) link(card + "/driver", "../../../bus/pci/drivers/" + driver);
    fs::create_directories(root / "groups/7/devices/0000:3b:00.0");
    link(card + "/iommu_group", (root / "groups/7").string());
  }
  [[nodiscard]] Findings here() const { return check_here(realm, machine); }
  [[nodiscard]] Findings refusals() const { return obstacles(realm, machine); }

  const std::string card = "sys/bus/pci/devices/0000:3b:00.0";
  fs::path root;
  config::Realm realm;
  Machine machine;
  std::map<std::string, Interface> interfaces;
  std::optional<std::string> device_holder, socket_holder;
};

TEST_F(HereTest, a_machine_that_lacks_nothing_has_no_findings) {
  EXPECT_EQ(to_string(here()), "");
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(HereTest, a_core_that_does_not_exist_refuses_the_start) {
  realm.workers.cores = {1, 97};
  realm.workers.control = 98;
  const auto expected = ElementsAre(error("workers.cores: there is no CPU 97; this machine has 0-5", "lscpu"),
                                    error("workers.control: there is no CPU 98", "lscpu"));
  EXPECT_THAT(here(), expected);
  EXPECT_THAT(refusals(), expected);
}

TEST_F(HereTest, a_core_that_is_kept_from_the_process_refuses_the_start) {
  realm.workers.cores = {5};
  EXPECT_THAT(refusals(), ElementsAre(error("CPU 5 is kept from this process", "Cpus_allowed_list")));
}

TEST_F(HereTest, more_workers_poll_than_there_are_cores) {
  realm.workers.count = 5;
  realm.workers.idle = config::Workers::Idle::poll;
  EXPECT_THAT(here(), ElementsAre(warning("5 workers poll on 4 CPUs", "count: 4")));
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(HereTest, each_capability_that_is_missing_is_named_with_what_it_is_for) {
  file("proc/self/status", "CapEff:\t0000000000000000");
  EXPECT_THAT(here(),
              ElementsAre(error("CAP_NET_ADMIN is missing", "AmbientCapabilities=CAP_NET_ADMIN"),
                          error("CAP_NET_RAW is missing", "CAP_NET_RAW"),
                          error("CAP_SYS_ADMIN is missing, for the XDP program", "CAP_SYS_ADMIN"),
                          error("CAP_NET_BIND_SERVICE is missing, for port 53", "CAP_NET_BIND_SERVICE")));
  EXPECT_THAT(refusals(), SizeIs(4));
  for (auto& port : realm.ports) port.device = "net_null" + port.name;
  file("proc/sys/net/ipv4/ip_unprivileged_port_start", "53");
  EXPECT_THAT(here(), ElementsAre(error("CAP_NET_ADMIN is missing", ""))) << "the others are not needed";
  file("proc/self/status", "CapEff:\t0000000000001000");
  EXPECT_THAT(here(), IsEmpty());
}

TEST_F(HereTest, memory_that_may_not_be_locked_refuses_the_start) {
  const auto limits = [this](const std::string& bytes) {
    file("proc/self/limits",
         "Limit                     Soft Limit           Hard Limit           Units     \n"
         "Max locked memory         " +
             bytes + "              8388608              bytes");
  };
  limits("8388608");
  EXPECT_THAT(refusals(), IsEmpty()) << "with CAP_IPC_LOCK there is no limit";
  file("proc/self/status", "CapEff:\t0000000000203400");
  EXPECT_THAT(here(), ElementsAre(error("may lock 8 MiB of memory, and devices need 178 MiB",
                                        "LimitMEMLOCK=infinity")));
  EXPECT_THAT(refusals(), SizeIs(1));
  limits("unlimited");
  EXPECT_THAT(refusals(), IsEmpty());
  limits("8388608");
  for (const char* device :
       {"net_af_packet_in,iface=eth1", "net_af_packet_in,iface=eth1,framesz=2048,framecnt=1024"}) {
    for (auto& port : realm.ports) port.device = device;
    EXPECT_THAT(refusals(), IsEmpty()) << device;
  }
  realm.ports[0].device = "net_af_packet_in,blocksz=65536,framesz=2048,framecnt=4096,iface=eth1";
  EXPECT_THAT(refusals(),
              ElementsAre(error("may lock 8 MiB of memory, and devices need 21 MiB", "ulimit -l")));
}

TEST_F(HereTest, cap_bpf_does_not_suffice_for_af_xdp) {
  file("proc/self/status", "CapEff:\t0000008000007400");
  EXPECT_THAT(refusals(), ElementsAre(error("CAP_SYS_ADMIN is missing", "CAP_SYS_ADMIN")));
  for (auto& port : realm.ports) port.device.replace(0, 10, "net_af_packet");
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(HereTest, huge_pages_that_are_missing_come_with_how_many_to_reserve) {
  file("proc/meminfo",
       "MemAvailable: 16000000 kB\nHugePages_Total: 10\nHugePages_Free: 0\nHugepagesize: 2048 kB\n");
  const auto none = here();
  ASSERT_THAT(none, ElementsAre(warning("no huge pages are free", "sysctl -w vm.nr_hugepages=")));
  file("proc/meminfo",
       "MemAvailable: 16000000 kB\nHugePages_Total: 10\nHugePages_Free: 4\nHugepagesize: 2048 kB\n");
  const auto some = here();
  ASSERT_THAT(some,
              ElementsAre(warning("huge pages of 8 MiB are free, and packets need", "vm.nr_hugepages=")));
  const auto count = [](const Finding& one) { return std::stoul(one.cure.substr(one.cure.find('=') + 1)); };
  EXPECT_EQ(count(none[0]), count(some[0]) + 4) << "what is free counts";
}

TEST_F(HereTest, too_little_memory_is_an_error) {
  file("proc/meminfo",
       "MemAvailable: 100000 kB\nHugePages_Total: 0\nHugePages_Free: 0\nHugepagesize: 2048 kB\n");
  EXPECT_THAT(here(),
              ElementsAre(warning("no huge pages", ""), error("97 MiB of memory are free", "ps -eo rss")));
}

TEST_F(HereTest, a_card_for_vfio_pci_with_an_iommu_group_of_its_own_is_good) {
  have_card("vfio-pci");
  EXPECT_EQ(to_string(here()), "");
}

TEST_F(HereTest, a_card_that_is_not_there_refuses_the_start) {
  realm.ports[0].device = "0000:3b:00.0";
  EXPECT_THAT(here(), ElementsAre(error("port inside: there is no card at 0000:3b:00.0", "dpdk-devbind.py")));
  EXPECT_THAT(refusals(), SizeIs(1));
}

TEST_F(HereTest, a_card_of_the_kernels_gets_the_command_that_binds_it) {
  have_card("e1000e");
  fs::create_directories(root / card / "net/enp59s0f0");
  EXPECT_THAT(here(),
              ElementsAre(error("belongs to the kernel's driver e1000e, as the interface enp59s0f0",
                                "modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0")));
  EXPECT_THAT(refusals(), IsEmpty()) << "DPDK itself says so";
}

TEST_F(HereTest, a_card_without_a_driver_gets_the_same) {
  have_card("");
  EXPECT_THAT(here(), ElementsAre(error("0000:3b:00.0 has no driver", "--bind=vfio-pci 0000:3b:00.0")));
}

TEST_F(HereTest, a_card_that_dpdk_shares_with_the_kernel_is_good) {
  have_card("mlx5_core");
  EXPECT_THAT(here(), IsEmpty());
}

TEST_F(HereTest, a_driver_without_protection_is_a_warning) {
  have_card("uio_pci_generic");
  EXPECT_THAT(here(), ElementsAre(warning("uio_pci_generic", "--bind=vfio-pci")));
}

TEST_F(HereTest, a_card_without_an_iommu_is_an_error_unless_vfio_goes_without) {
  have_card("vfio-pci");
  fs::remove(root / card / "iommu_group");
  EXPECT_THAT(here(), ElementsAre(error("has no IOMMU", "intel_iommu=on")));
  file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y");
  EXPECT_THAT(here(), IsEmpty());
}

TEST_F(HereTest, a_group_is_vfios_as_a_whole) {
  have_card("vfio-pci");
  fs::create_directories(root / "groups/7/devices/0000:3b:00.1");
  fs::create_directories(root / "groups/7/devices/0000:3a:00.0");
  link("sys/bus/pci/devices/0000:3b:00.1/driver", "../drivers/e1000e");
  link("sys/bus/pci/devices/0000:3a:00.0/driver", "../drivers/pcieport");
  EXPECT_THAT(here(),
              ElementsAre(error("shares its IOMMU group with 0000:3b:00.1, which is the driver e1000e's",
                                "--bind=vfio-pci 0000:3b:00.1")));
}

TEST_F(HereTest, an_interface_that_is_not_there_refuses_the_start) {
  interfaces.erase("eth1");
  const auto expected = ElementsAre(error("port inside: there is no interface eth1", "ip -brief link"));
  EXPECT_THAT(here(), expected);
  EXPECT_THAT(refusals(), expected);
}

TEST_F(HereTest, an_interface_that_is_down_or_without_a_cable_is_told) {
  interfaces["eth1"].up = interfaces["eth1"].carrier = interfaces["eth2"].carrier = false;
  EXPECT_THAT(here(), ElementsAre(warning("the interface eth1 is down", "ip link set eth1 up"),
                                  warning("the interface eth2 has no carrier", "ethtool eth2")));
}

TEST_F(HereTest, offloads_get_the_command_that_switches_them_off) {
  interfaces["eth1"].offloads = {"tx", "gro"};
  EXPECT_THAT(here(),
              ElementsAre(warning("offloads of eth1 are on (tx gro)", "ethtool -K eth1 tx off gro off")));
}

TEST_F(HereTest, a_kernel_that_answers_beside_the_gateway_is_told) {
  interfaces["eth1"].addresses = {net::InterfaceAddress::parse("192.0.2.7/24").value()};
  file("proc/sys/net/ipv6/conf/eth1/disable_ipv6", "0");
  EXPECT_THAT(here(), ElementsAre(warning("the kernel has 192.0.2.7/24 on eth1", "ip address flush dev eth1"),
                                  warning("the kernel speaks IPv6 on eth1", "conf.eth1.disable_ipv6=1")));
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(HereTest, an_mtu_that_a_driver_cannot_have_is_an_error) {
  realm.ports[0].mtu = 1501;
  interfaces["eth1"].longest_mtu = 1500;
  EXPECT_THAT(here(),
              ElementsAre(error("an MTU of 1501 is more than eth1 can have, 1500", "inside: { mtu: 1500 }")));
  interfaces["eth1"].longest_mtu = 0;
  EXPECT_THAT(here(), IsEmpty());
  realm.ports[0].device = "net_af_packet_in,iface=eth1";
  EXPECT_THAT(here(),
              ElementsAre(error("an MTU of 1501 is more than net_af_packet can have, 1500", "mtu: 1500")));
}

TEST_F(HereTest, an_mtu_whose_buffers_are_too_long_for_af_xdp_is_an_error) {
  realm.ports[0].mtu = 9000;
  EXPECT_THAT(here(),
              ElementsAre(error("port inside: beside AF_XDP no port can have an MTU of more than 3424, and "
                                "this one has 9000",
                                "ports: { inside: { mtu: 3424 } }")));
  realm.ports[0].mtu = 3424;
  EXPECT_THAT(here(), IsEmpty());
}

TEST_F(HereTest, a_kernel_that_forwards_ipv4_from_beneath_a_port_refuses_the_start) {
  file("proc/sys/net/ipv4/conf/eth2/forwarding", "1");
  const auto expected =
      ElementsAre(error("port outside: the kernel forwards IPv4 from eth2, past the gateway",
                        "sysctl -w net.ipv4.conf.eth2.forwarding=0"));
  EXPECT_THAT(here(), expected);
  EXPECT_THAT(refusals(), expected);
}

TEST_F(HereTest, a_kernel_that_forwards_ipv4_from_a_ports_own_interface_is_an_error) {
  realm.ports[0].device = "net_null0";  // there is none beneath
  file("proc/sys/net/ipv4/conf/rgw-inside/forwarding", "1");
  EXPECT_THAT(refusals(), ElementsAre(error("port inside: the kernel forwards IPv4 from rgw-inside",
                                            "sysctl -w net.ipv4.conf.rgw-inside.forwarding=0")));
}

TEST_F(HereTest, a_kernel_that_forwards_ipv4_elsewhere_is_a_warning) {
  file("proc/sys/net/ipv4/ip_forward", "1");
  EXPECT_THAT(here(),
              ElementsAre(warning("forwards IPv4 between other interfaces", "net.ipv4.ip_forward=0")));
  EXPECT_THAT(refusals(), IsEmpty()) << "containers on the same machine need it";
}

TEST_F(HereTest, a_kernel_that_forwards_ipv6_refuses_the_start_where_the_realm_speaks_it) {
  file("proc/sys/net/ipv6/conf/all/forwarding", "1");
  EXPECT_THAT(here(), IsEmpty()) << "neither the ports nor what is beneath them speak IPv6";
  const auto expected =
      ElementsAre(error("the kernel forwards IPv6", "sysctl -w net.ipv6.conf.all.forwarding=0"));
  realm.ports[0].addresses.push_back(net::InterfaceAddress::parse("fd00:10::1/64").value());
  EXPECT_THAT(refusals(), expected);
  realm.ports[0].addresses.pop_back();
  file("proc/sys/net/ipv6/conf/eth1/disable_ipv6", "0");
  EXPECT_THAT(refusals(), expected);
}

TEST_F(HereTest, a_name_with_a_dot_is_written_as_sysctl_wants_it) {
  realm.ports[0].device = "net_af_packet_in,iface=eth0.5";
  interfaces["eth0.5"] = interfaces["eth1"];
  file("proc/sys/net/ipv4/conf/eth0.5/forwarding", "1");
  EXPECT_THAT(refusals(), ElementsAre(error("eth0.5", "sysctl -w net.ipv4.conf.eth0/5.forwarding=0")));
}

TEST_F(HereTest, devices_sockets_and_names_that_others_have_are_told_with_their_holders) {
  realm.ports.pop_back();
  device_holder = "process 12 (realmgwd)";
  socket_holder = "process 12";
  interfaces["rgw-inside"] = {};
  EXPECT_THAT(
      here(),
      ElementsAre(error("a gateway answers at /run/realmgw/realmgw.sock already, process 12", "status"),
                  error("(net_af_xdp_in,iface=eth1) is held by process 12 (realmgwd)", "stop")));
  device_holder = socket_holder = std::nullopt;
  EXPECT_THAT(here(),
              ElementsAre(error("there is an interface rgw-inside already", "ip link delete rgw-inside")));
}

TEST_F(HereTest, a_machine_without_tun_is_told) {
  fs::remove(root / "dev/net/tun");
  EXPECT_THAT(here(), ElementsAre(error("no /dev/net/tun", "modprobe tun")));
}

constexpr const char* sockets_head =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

TEST_F(HereTest, a_port_that_another_server_has_is_told_with_its_name) {
  // 198.51.100.1 and all addresses as the kernel writes them.
  file("proc/net/udp",
       std::string{sockets_head} +
           "  1: 016433C6:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0  0 4711\n");
  file("proc/net/tcp",
       std::string{sockets_head} +
           "  0: 00000000:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4712 1 0\n");
  link("proc/812/fd/5", "socket:[4711]");
  file("proc/812/comm", "dnsmasq");
  EXPECT_THAT(
      here(),
      ElementsAre(error("dnsmasq (process 812) has port 53 (udp) of 198.51.100.1", "--bind-interfaces"),
                  error("another process has port 53 (tcp) of all addresses", "dns: { listen: }")));
}

TEST_F(HereTest, sockets_of_other_addresses_and_ports_and_connections_are_nobodys_business) {
  file("proc/net/udp",
       std::string{sockets_head} +
           "  1: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000  0  0 1\n"
           "  2: 016433C6:0036 00000000:0000 07 00000000:00000000 00:00000000 00000000  0  0 2\n");
  file("proc/net/tcp",
       std::string{sockets_head} +
           "  0: 016433C6:0035 0A7100CB:1000 01 00000000:00000000 00:00000000 00000000  0  0 3 1 0\n");
  EXPECT_THAT(here(), IsEmpty());
}

TEST_F(HereTest, ipv6_sockets_are_looked_at_too) {
  realm.dns.listen = {net::IpAddress::parse("2001:db8:100::1").value()};
  file("proc/net/udp6", std::string{sockets_head} +
                            "  1: B80D0120000000010000000001000000:0035 "
                            "00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 9\n");
  EXPECT_THAT(here(), ElementsAre(error("port 53 (udp) of 2001:db8:100::1", "")));
}

TEST_F(HereTest, a_www_proxy_needs_nginx_and_its_stream_module) {  // WEB-1
  EXPECT_THAT(here(), IsEmpty());
  realm.www.proxy = config::Www::Proxy::nginx;
  const auto missing =
      ElementsAre(warning("stream module is missing", "apt install nginx libnginx-mod-stream"));
  EXPECT_THAT(here(), missing);
  file("usr/sbin/nginx", "");
  EXPECT_THAT(here(), missing);
  file("usr/lib/nginx/modules/ngx_stream_module.so", "");
  EXPECT_THAT(here(), IsEmpty());
}

TEST_F(HereTest, findings_read_as_what_is_wrong_and_under_it_what_to_do_errors_first) {
  const Findings two{{Weight::warning, "slow", "sysctl -w a=1"},
                     {Weight::error, "broken", "mend it    # soon"}};
  EXPECT_EQ(to_string(two),
            "here: broken\n      mend it    # soon\nhere: warning: slow\n      sysctl -w a=1\n");
  EXPECT_EQ(two[1].to_line(), "broken; try: mend it");
}

TEST(ThisMachine, is_read_as_it_is) {
  const auto machine = this_machine();
  EXPECT_FALSE(machine.usable_cpus.empty());
  EXPECT_TRUE(machine.line("proc/self/status"));
  const auto loopback = machine.interface("lo");
  ASSERT_TRUE(loopback);
  EXPECT_EQ(loopback->up, !loopback->addresses.empty()) << "it has its address where it is up";
  EXPECT_FALSE(machine.interface("nosuch0"));
  EXPECT_FALSE(machine.device_holder("net_af_xdp0,iface=nosuch0"));
  EXPECT_FALSE(machine.socket_holder("/nowhere/at/all"));
}

}  // namespace
}  // namespace rgw::app
