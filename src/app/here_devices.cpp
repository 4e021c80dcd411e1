// The cards and interfaces beneath ports, and what the kernel does on them beside the gateway.
#include "realmgw/app/device_name.hpp"
#include "realmgw/app/here.hpp"
#include "realmgw/control/tap.hpp"
#include "realmgw/dataplane/eal.hpp"

#include <algorithm>

namespace rgw::app {
namespace {

using Weight = Finding::Weight;

std::string title(const config::Port& port) {
  return "port " + port.name + ": ";
}

/// "net.ipv4.conf.eth0/5.forwarding": sysctl takes a slash for a dot in a name.
std::string sysctl_name(std::string interface) {
  std::ranges::replace(interface, '.', '/');
  return interface;
}

bool is_on(const Machine& machine, const std::string& sysctl) {
  const auto value = machine.line("proc/sys/" + sysctl);
  return value && *value != "0";
}

/// Does the kernel do nothing of IPv6 on this interface?
bool is_without_ipv6(const Machine& machine, const std::string& interface) {
  const std::string key = "net/ipv6/conf/" + interface + "/disable_ipv6";
  return !machine.has("proc/sys/" + key) || is_on(machine, key);
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Drivers by which DPDK gets at a card that stays with the kernel.
bool is_shared_driver(const std::string& driver) {
  return driver == "mlx5_core" || driver == "mlx4_core" || driver == "mana";
}

void find_iommu(const config::Port& port, const std::string& card, const Machine& machine, Findings& found) {
  const std::string group = "sys/bus/pci/devices/" + card + "/iommu_group";
  if (!machine.has(group)) {
    if (machine.line("sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y") return;
    found.push_back(
        {Weight::error, title(port) + "the card " + card + " has no IOMMU, which vfio-pci needs",
         "intel_iommu=on iommu=pt (or amd_iommu=on) on the kernel's command line, and VT-d or AMD-Vi in the "
         "firmware; without one: echo Y > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode"});
    return;
  }
  for (const auto& other : machine.names(group + "/devices")) {
    const auto driver = machine.link("sys/bus/pci/devices/" + other + "/driver");
    if (other == card || !driver || *driver == "vfio-pci" || *driver == "pcieport") continue;
    found.push_back({Weight::error,
                     title(port) + "the card " + card + " shares its IOMMU group with " + other +
                         ", which is the driver " + *driver + "'s",
                     "dpdk-devbind.py --bind=vfio-pci " + other + "    # or put the card into another slot"});
  }
}

/// Is what the port sits on there? Not everything sits on something.
bool is_there(const config::Port& port, const Machine& machine) {
  if (is_card(port.device)) return machine.has("sys/bus/pci/devices/" + card_address(port.device));
  const auto interface = interface_beneath(port.device);
  return !interface || machine.interface(*interface);
}

void find_card(const config::Port& port, const Machine& machine, Findings& found) {
  const std::string card = card_address(port.device), path = "sys/bus/pci/devices/" + card;
  const auto driver = machine.link(path + "/driver");
  const std::string bind = "modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci " + card;
  if (driver && is_shared_driver(*driver)) return;
  if (!driver) {
    found.push_back({Weight::error, title(port) + "the card " + card + " has no driver", bind});
  } else if (*driver == "vfio-pci") {
    find_iommu(port, card, machine, found);
  } else if (*driver == "uio_pci_generic" || *driver == "igb_uio") {
    found.push_back({Weight::warning,
                     title(port) + "the card " + card + " has the driver " + *driver +
                         ", which needs root and physical addresses; vfio-pci is safer",
                     bind});
  } else {
    const auto interfaces = machine.names(path + "/net");
    found.push_back({Weight::error,
                     title(port) + "the card " + card + " belongs to the kernel's driver " + *driver +
                         (interfaces.empty() ? "" : ", as the interface " + listed(interfaces)),
                     bind});
  }
}

void find_silence(const config::Port& port, const std::string& interface, const Interface& kernel,
                  const Machine& machine, Findings& found) {
  std::vector<std::string> of_v4;
  for (const auto& one : kernel.addresses) {
    if (one.address.is_v4()) of_v4.push_back(one.to_string());
  }
  if (!of_v4.empty()) {
    found.push_back({Weight::warning,
                     title(port) + "the kernel has " + listed(of_v4) + " on " + interface +
                         ", and answers there beside the gateway",
                     "ip address flush dev " + interface});
  }
  if (!is_without_ipv6(machine, interface)) {
    found.push_back({Weight::warning,
                     title(port) + "the kernel speaks IPv6 on " + interface +
                         ", answers there beside the gateway, and may take routes from router advertisements",
                     "sysctl -w net.ipv6.conf." + sysctl_name(interface) + ".disable_ipv6=1"});
  }
}

void find_frames(const config::Port& port, const std::string& interface, const Interface& kernel,
                 Findings& found) {
  const auto& on = kernel.offloads;
  if (!on.empty()) {
    std::string off;
    for (const auto& name : on) off += " " + name + " off";
    found.push_back({Weight::warning,
                     title(port) + "offloads of " + interface + " are on (" + listed(on) +
                         "): frames may be longer than the MTU, or have no checksum yet",
                     "ethtool -K " + interface + off});
  }
  const std::string mtu = std::to_string(port.mtu);
  const auto too_long = [&](unsigned longest, const std::string& whose) {
    if (longest == 0 || port.mtu <= longest) return;
    const std::string can = std::to_string(longest);
    found.push_back({Weight::error,
                     title(port) + "an MTU of " + mtu + " is more than " + whose + " can have, " + can,
                     "ports: { " + port.name + ": { mtu: " + can + " } }"});
  };
  too_long(kernel.longest_mtu, interface);
  constexpr unsigned of_af_packet = 1500;  // ETH_FRAME_LEN, as its driver says
  if (port.device.starts_with("net_af_packet")) too_long(of_af_packet, "net_af_packet");
}

}  // namespace

void find_cards(const config::Realm& realm, const Machine& machine, Findings& found) {
  for (const auto& port : realm.ports) {
    if (is_card(port.device) && is_there(port, machine)) find_card(port, machine, found);
  }
}

void find_missing_devices(const config::Realm& realm, const Machine& machine, Findings& found) {
  for (const auto& port : realm.ports) {
    if (is_there(port, machine)) continue;
    if (is_card(port.device)) {
      found.push_back({Weight::error, title(port) + "there is no card at " + card_address(port.device),
                       "dpdk-devbind.py --status-dev net    # names those that there are"});
    } else {
      found.push_back({Weight::error,
                       title(port) + "there is no interface " + *interface_beneath(port.device) + " (" +
                           port.device + ")",
                       "ip -brief link    # names those that there are"});
    }
  }
}

void find_interface_settings(const config::Realm& realm, const Machine& machine, Findings& found) {
  const bool cards = std::ranges::any_of(realm.ports, [](const auto& port) { return is_card(port.device); });
  const unsigned of_af_xdp = dataplane::longest_mtu_in_a_page(cards);
  for (const auto& port : realm.ports) {
    const auto interface = interface_beneath(port.device);
    const auto kernel = interface ? machine.interface(*interface) : std::nullopt;
    if (!kernel) continue;
    if (!kernel->up) {
      found.push_back({Weight::warning, title(port) + "the interface " + *interface + " is down",
                       "ip link set " + *interface + " up"});
    } else if (!kernel->carrier) {
      found.push_back({Weight::warning, title(port) + "the interface " + *interface + " has no carrier",
                       "ethtool " + *interface + "    # and look at the cable"});
    }
    find_silence(port, *interface, *kernel, machine, found);
    find_frames(port, *interface, *kernel, found);
  }
  // The buffers of all ports are one pool, so each port's MTU counts.
  const bool xdp = std::ranges::any_of(
      realm.ports, [](const auto& port) { return port.device.starts_with("net_af_xdp"); });
  for (const auto& port : realm.ports) {
    if (!xdp || port.mtu <= of_af_xdp) continue;
    found.push_back({Weight::error,
                     title(port) + "beside AF_XDP no port can have an MTU of more than " +
                         std::to_string(of_af_xdp) + ", and this one has " + std::to_string(port.mtu),
                     "ports: { " + port.name + ": { mtu: " + std::to_string(of_af_xdp) + " } }"});
  }
}

// The kernel gets a copy of each frame beneath a port of af_packet, and with AF_XDP those of queues that have
// no socket. Of IPv4 the interface by which a packet comes in decides whether the kernel forwards it; of IPv6
// only net.ipv6.conf.all.forwarding does. Of the port's own interface it gets what is for the gateway itself;
// the gateway has switched forwarding off there, and somebody may have switched it on again.
void find_forwarding(const config::Realm& realm, const Machine& machine, Findings& found) {
  bool speaks_ipv6 = false;
  for (const auto& port : realm.ports) {
    for (const auto& address : port.addresses) speaks_ipv6 = speaks_ipv6 || address.address.is_v6();
    std::vector<std::string> interfaces{control::Tap::interface_name(port.name)};
    if (const auto beneath = interface_beneath(port.device)) {
      speaks_ipv6 = speaks_ipv6 || !is_without_ipv6(machine, *beneath);
      interfaces.push_back(*beneath);
    }
    for (const auto& interface : interfaces) {
      if (!is_on(machine, "net/ipv4/conf/" + interface + "/forwarding")) continue;
      found.push_back({Weight::error,
                       title(port) + "the kernel forwards IPv4 from " + interface + ", past the gateway",
                       "sysctl -w net.ipv4.conf." + sysctl_name(interface) + ".forwarding=0"});
    }
  }
  if (speaks_ipv6 && is_on(machine, "net/ipv6/conf/all/forwarding")) {
    found.push_back(
        {Weight::error, "the kernel forwards IPv6 between all interfaces, past the gateway",
         "sysctl -w net.ipv6.conf.all.forwarding=0    # or run the gateway in a network namespace"});
  }
  if (is_on(machine, "net/ipv4/ip_forward")) {
    found.push_back(
        {Weight::warning,
         "the kernel forwards IPv4 between other interfaces of this machine (net.ipv4.ip_forward)",
         "sysctl -w net.ipv4.ip_forward=0    # unless it is meant, for containers say"});
  }
}

}  // namespace rgw::app
