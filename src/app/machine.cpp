#include "realmgw/app/machine.hpp"

#include "realmgw/app/device_locks.hpp"
#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/netlink.hpp"
#include "realmgw/control/socket_address.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>

#include <linux/ethtool.h>
#include <linux/sockios.h>

namespace rgw::app {
namespace {

namespace fs = std::filesystem;

std::set<unsigned> allowed_cpus() {
  cpu_set_t set;
  std::set<unsigned> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.insert(cpu);
  }
  return cpus;
}

/// One of ethtool's settings of an interface; nothing where it has none.
std::optional<std::uint32_t> setting(int socket, const std::string& interface, std::uint32_t command) {
  struct ethtool_value value {
    command, 0
  };
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(socket, SIOCETHTOOL, &request) != 0) return std::nullopt;
  return value.data;
}

std::vector<std::string> offloads_of(const std::string& interface) {
  struct Offload {
    const char* name;
    std::uint32_t command, mask;
  };
  constexpr Offload offloads[] = {{"rx", ETHTOOL_GRXCSUM, ~0U}, {"tx", ETHTOOL_GTXCSUM, ~0U},
                                  {"tso", ETHTOOL_GTSO, ~0U},   {"gso", ETHTOOL_GGSO, ~0U},
                                  {"gro", ETHTOOL_GGRO, ~0U},   {"lro", ETHTOOL_GFLAGS, ETH_FLAG_LRO}};
  const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::vector<std::string> on;
  for (const auto& offload : offloads) {
    if ((setting(socket.get(), interface, offload.command).value_or(0) & offload.mask) != 0)
      on.emplace_back(offload.name);
  }
  return on;
}

std::vector<net::InterfaceAddress> addresses_of(const std::string& interface) {
  std::vector<net::InterfaceAddress> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return found;
  const auto read = [](const sockaddr* address) -> std::optional<net::IpAddress> {
    if (address == nullptr || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
      return std::nullopt;
    sockaddr_storage storage{};
    std::memcpy(&storage, address,
                address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    return control::to_endpoint(storage)->address;
  };
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (interface != one->ifa_name) continue;
    const auto address = read(one->ifa_addr), mask = read(one->ifa_netmask);
    if (!address || !mask) continue;
    int length = 0;
    for (std::size_t i = 0; i < mask->size(); ++i) length += std::popcount(mask->data()[i]);
    found.push_back({*address, static_cast<std::uint8_t>(length)});
  }
  ::freeifaddrs(first);
  return found;
}

std::optional<Interface> interface_named(const std::string& name) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return std::nullopt;
  Interface found{.offloads = offloads_of(name), .addresses = addresses_of(name)};
  const auto link = control::Netlink{}.link(index);
  if (!link) return std::nullopt;
  found.up = link->up;
  found.carrier = link->carrier;
  found.longest_mtu = link->longest_mtu;
  return found;
}

}  // namespace

bool Machine::has(const std::string& path) const {
  std::error_code error;
  return fs::exists(fs::symlink_status(root / path, error));
}

std::optional<std::string> Machine::line(const std::string& path) const {
  std::ifstream file{root / path};
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  return text;
}

std::vector<std::string> Machine::lines(const std::string& path) const {
  std::ifstream file{root / path};
  std::vector<std::string> all;
  for (std::string text; std::getline(file, text);) all.push_back(text);
  return all;
}

std::optional<std::string> Machine::link(const std::string& path) const {
  std::error_code error;
  const auto target = fs::read_symlink(root / path, error);
  if (error) return std::nullopt;
  return target.filename().string();
}

std::vector<std::string> Machine::names(const std::string& path) const {
  std::vector<std::string> all;
  std::error_code error;
  for (fs::directory_iterator place{root / path, error}, end; !error && place != end; place.increment(error))
    all.push_back(place->path().filename().string());
  std::ranges::sort(all);
  return all;
}

Machine this_machine() {
  return {.root = "/",
          .usable_cpus = allowed_cpus(),
          .interface = interface_named,
          .device_holder = DeviceLocks::holder_of,
          .socket_holder = control::CtlServer::holder_of};
}

}  // namespace rgw::app
