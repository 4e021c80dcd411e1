// Endpoints as the socket calls want them.
#pragma once

#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/net/transport.hpp"

#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

namespace rgw::control {

/// An endpoint in the kernel's form.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

[[nodiscard]] SocketAddress to_socket_address(const net::Endpoint& endpoint);
/// Nothing where it is neither IPv4 nor IPv6.
[[nodiscard]] std::optional<net::Endpoint> to_endpoint(const sockaddr_storage& storage);

/// A non-blocking socket of `type` (SOCK_STREAM, SOCK_DGRAM) bound to `endpoint`, which the machine need not
/// have yet (its TAP may come up later). Throws std::system_error that names the endpoint.
[[nodiscard]] FileDescriptor bound_socket(int type, const net::Endpoint& endpoint);
/// The endpoint that a socket is bound to.
[[nodiscard]] net::Endpoint local_endpoint(const FileDescriptor& socket);

}  // namespace rgw::control
