#include "realmgw/app/ctl_mirror.hpp"

#include <cerrno>
#include <net/if.h>
#include <sys/socket.h>
#include <system_error>

#include <linux/if_packet.h>

namespace rgw::app {

Mirror::Mirror(const std::string& interface)
    : socket_{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)} {  // protocol 0: nothing is received
  const auto fail = [&] { throw std::system_error{errno, std::generic_category(), interface}; };
  if (!socket_) fail();
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (address.sll_ifindex == 0) fail();
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail();
}

void Mirror::send(std::span<const char> frame) {
  if (::send(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT) < 0) ++refused_;
}

}  // namespace rgw::app
