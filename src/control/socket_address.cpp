#include "realmgw/control/socket_address.hpp"

#include <cstring>

namespace rgw::control {

SocketAddress to_socket_address(const net::Endpoint& endpoint) {
  SocketAddress address;
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = be16{endpoint.port}.raw();
    std::memcpy(&v4.sin_addr, endpoint.address.data(), 4);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = be16{endpoint.port}.raw();
    std::memcpy(&v6.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.length = sizeof v6;
  }
  return address;
}

std::optional<net::Endpoint> to_endpoint(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return net::Endpoint{net::Ipv4Address{be32::from_raw(v4.sin_addr.s_addr)},
                         be16::from_raw(v4.sin_port).host()};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    return net::Endpoint{net::Ipv6Address::from_bytes(&v6.sin6_addr), be16::from_raw(v6.sin6_port).host()};
  }
  return std::nullopt;
}

FileDescriptor bound_socket(int type, const net::Endpoint& endpoint) {
  const std::string what = "listening on " + endpoint.to_string();
  const bool v4 = endpoint.address.is_v4();
  FileDescriptor socket =
      checked(::socket(v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), what);
  const int on = 1;
  const auto set = [&](int level, int option) {
    if (setsockopt(socket.get(), level, option, &on, sizeof on) != 0) throw last_error(what);
  };
  if (type == SOCK_STREAM) set(SOL_SOCKET, SO_REUSEADDR);
  set(v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND);
  if (!v4) set(IPPROTO_IPV6, IPV6_V6ONLY);
  const SocketAddress address = to_socket_address(endpoint);
  if (bind(socket.get(), address.get(), address.length) != 0) throw last_error(what);
  return socket;
}

net::Endpoint local_endpoint(const FileDescriptor& socket) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getsockname(socket.get(), address.get(), &address.length) != 0) throw last_error("getsockname");
  return to_endpoint(address.storage).value_or(net::Endpoint{});
}

}  // namespace rgw::control
