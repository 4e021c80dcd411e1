#include "realmgw/control/pcp_udp.hpp"

#include "realmgw/control/socket_address.hpp"

#include <utility>

namespace rgw::control {

PcpUdp::PcpUdp(EventLoop& loop, const net::Endpoint& local, unsigned interface, Handler handler)
    : loop_{loop},
      handler_{std::move(handler)},
      socket_{bound_socket(SOCK_DGRAM, local)},
      local_{control::local_endpoint(socket_)},
      interface_{interface} {
  loop_.add(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
}

PcpUdp::~PcpUdp() {
  loop_.remove(socket_.get());
}

void PcpUdp::receive() {
  for (unsigned n = 0; n < batch; ++n) {
    SocketAddress from;
    from.length = sizeof from.storage;
    const ssize_t size =
        recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT, from.get(), &from.length);
    if (size < 0) return;
    if (const auto source = to_endpoint(from.storage))
      handler_(std::span{buffer_}.first(static_cast<std::size_t>(size)), *source);
  }
}

void PcpUdp::send(const net::Endpoint& to, std::span<const std::uint8_t> datagram) {
  const SocketAddress address = to_socket_address(to);
  static_cast<void>(sendto(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                           address.get(), address.length));
}

void PcpUdp::announce(std::span<const std::uint8_t> datagram) {
  if (interface_ == 0) return;
  ip_mreqn link{};
  link.imr_ifindex = static_cast<int>(interface_);
  const bool v4 = local_.address.is_v4();
  const int set =
      v4 ? setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_IF, &link, sizeof link)
         : setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface_, sizeof interface_);
  if (set != 0) return;
  const net::IpAddress all_hosts =
      v4 ? net::IpAddress{net::Ipv4Address{224, 0, 0, 1}}
         : net::IpAddress{net::Ipv6Address{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
  send({all_hosts, pcp::client_port}, datagram);
}

}  // namespace rgw::control
