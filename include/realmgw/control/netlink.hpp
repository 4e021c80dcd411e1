// Interfaces, addresses and routes of the kernel: as much of rtnetlink as a TAP needs.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct mnl_socket;
struct nlmsghdr;

namespace rgw::control {

/// An interface at this moment.
struct KernelLink {
  bool up = false;  ///< as an operator has set it
  bool carrier = false;
  bool has_xdp_program = false;
  unsigned longest_mtu = 0;  ///< 0: the kernel does not say
  net::MacAddress mac;       ///< zeros: it has none
};

/// A conversation with the kernel in the network namespace of the calling thread. All functions throw
/// std::system_error with the kernel's answer; they are for start-up and for a changed realm.
class Netlink {
 public:
  Netlink();

  /// Sets MAC and MTU of an interface, and sets it up.
  void configure_link(unsigned interface, const net::MacAddress& mac, std::uint16_t mtu);
  /// What becomes of an interface; nothing where it is not there any more. Not only for start-up.
  [[nodiscard]] std::optional<KernelLink> link(unsigned interface);
  /// Adds an address; without duplicate address detection, which the gateway's own port answers for.
  void add_address(unsigned interface, const net::InterfaceAddress& address);
  /// Adds a route through an interface, or replaces the one with the same `metric`: a route that is not ours
  /// has another.
  void add_route(unsigned interface, const net::Prefix& to, const net::IpAddress& via, std::uint32_t metric);
  /// Takes away the one that `add_route` has made so.
  void remove_route(unsigned interface, const net::Prefix& to, const net::IpAddress& via,
                    std::uint32_t metric);

 private:
  /// Sends a request and hears its answer, each message of which `hear` gets.
  void talk(nlmsghdr* request, int (*hear)(const nlmsghdr*, void*) = nullptr, void* hearer = nullptr);

  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  std::unique_ptr<mnl_socket, Close> socket_;
  std::uint32_t sequence_ = 0;
};

/// Writes a file of /proc/sys, such as "net/ipv6/conf/rgw-inside/accept_ra", and reads it back: under
/// systemd's ProtectKernelTunables= and in many containers nothing can be written there. Throws
/// std::runtime_error where the value is another one afterwards. An absent file is none: the kernel has no
/// IPv6, say.
void set_sysctl(const std::string& key, const std::string& value);

}  // namespace rgw::control
