#include "realmgw/control/tap.hpp"

#include "realmgw/control/netlink.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <net/if.h>
#include <optional>
#include <stdexcept>
#include <sys/ioctl.h>
#include <system_error>

#include <linux/if_tun.h>

namespace rgw::control {

namespace {

// Behind what an operator or a DHCP client of the box may have set (those use 0 to about 1000 by habit for
// IPv4): a management network's own default route wins over the realm's.
constexpr std::uint32_t route_metric = 4096;

FileDescriptor open_tap(const std::string& name) {
  if (name.size() >= IFNAMSIZ)
    throw std::invalid_argument{name + ": an interface name has at most 15 characters"};
  FileDescriptor fd = checked(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun");
  ifreq request{};
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    if (errno == EPERM) throw last_error(name + ": the capability CAP_NET_ADMIN is missing");
    if (errno == EBUSY)
      throw last_error(name + ": another process, perhaps a gateway, has an interface of this name");
    throw last_error(name);
  }
  return fd;
}

// Before the interface is up: what would make the kernel act on its own.
void tame(const std::string& name) {
  const std::string v6 = "net/ipv6/conf/" + name + "/";
  set_sysctl(v6 + "disable_ipv6", "0");
  set_sysctl(v6 + "accept_ra", "0");  // the realm file is the authority for addresses and routes
  set_sysctl(v6 + "autoconf", "0");
  set_sysctl(v6 + "accept_dad", "0");  // the packet path answers for the port's addresses
  set_sysctl(v6 + "dad_transmits", "0");
  set_sysctl(v6 + "accept_redirects", "0");
  const std::string v4 = "net/ipv4/conf/" + name + "/";
  // Loose, whatever `all` says (the kernel takes the higher of the two): the box may have other ways out.
  set_sysctl(v4 + "rp_filter", "2");
  set_sysctl(v4 + "accept_redirects", "0");
  // Forwarding is the packet path's; the kernel must not pass anything from port to port beside it.
  set_sysctl(v4 + "forwarding", "0");
  set_sysctl(v6 + "forwarding", "0");
}

}  // namespace

Tap::Tap(const ring::PortFacts& port) : port_{port}, fd_{open_tap(interface_name(port.name))} {
  const std::string name = interface_name(port.name);
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) throw last_error(name);
  tame(name);
  try {
    Netlink netlink;
    netlink.configure_link(index, port.mac, port.mtu);
    for (const auto& address : port.addresses) netlink.add_address(index, address);
  } catch (const std::system_error& error) {
    throw std::system_error{error.code(), name};
  }
}

std::vector<config::Route> Tap::on_link(const std::vector<config::Route>& routes) const {
  std::vector<config::Route> ours;
  std::ranges::copy_if(routes, std::back_inserter(ours), [&](const config::Route& route) {
    return std::ranges::any_of(port_.addresses,
                               [&](const auto& own) { return own.prefix().contains(route.via); });
  });
  return ours;
}

void Tap::change_routes(const std::vector<config::Route>& routes) {
  const std::string name = interface_name(port_.name);
  const unsigned index = if_nametoindex(name.c_str());
  const auto next = on_link(routes);
  const auto same_to = [](const auto& one) { return [&](const auto& other) { return other.to == one.to; }; };
  Netlink netlink;
  // What the kernel refuses stops nothing else; the first refusal is told in the end.
  std::optional<std::system_error> refusal;
  const auto attempt = [&](auto&& change) {
    try {
      change();
      return true;
    } catch (const std::system_error& error) {
      if (error.code() == std::errc::no_such_process) return true;  // somebody has taken it away before
      if (!refusal) refusal = error;
      return false;
    }
  };
  // The new ones first: one that only leads elsewhere is replaced, and nothing is without a route meanwhile.
  for (const auto& route : next) {
    if (!attempt([&] { netlink.add_route(index, route.to, route.via, route_metric); })) continue;
    std::erase_if(routes_, same_to(route));
    routes_.push_back(route);
  }
  std::erase_if(routes_, [&](const auto& former) {
    return std::ranges::none_of(next, same_to(former)) &&
           attempt([&] { netlink.remove_route(index, former.to, former.via, route_metric); });
  });
  if (refusal) throw std::system_error{refusal->code(), name};
}

std::size_t Tap::read(std::span<std::uint8_t> room) {
  const auto length = ::read(fd_.get(), room.data(), room.size());
  return length > 0 ? static_cast<std::size_t>(length) : 0;
}

bool Tap::write(std::span<const std::uint8_t> frame) {
  return ::write(fd_.get(), frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
}

}  // namespace rgw::control
