#include "realmgw/control/netlink.hpp"

#include "realmgw/base/file_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <net/if.h>
#include <stdexcept>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace rgw::control {

namespace {

/// A request under construction: its buffer and the header at its start.
struct Request {
  alignas(nlmsghdr) std::array<char, 512> bytes{};
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());

  Request(std::uint16_t type, std::uint16_t flags) {
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }
  template <class Body>
  Body* body() {
    return static_cast<Body*>(mnl_nlmsg_put_extra_header(header, sizeof(Body)));
  }
  void put(std::uint16_t attribute, const net::IpAddress& address) {
    mnl_attr_put(header, attribute, address.size(), address.data());
  }
};

/// Takes what is asked for out of a link's attributes.
int hear_link(const nlattr* attribute, void* link) {
  if (mnl_attr_get_type(attribute) == IFLA_MAX_MTU)
    static_cast<KernelLink*>(link)->longest_mtu = mnl_attr_get_u32(attribute);
  if (mnl_attr_get_type(attribute) == IFLA_ADDRESS) {
    auto& mac = static_cast<KernelLink*>(link)->mac.bytes;
    if (mnl_attr_get_payload_len(attribute) == mac.size())
      std::memcpy(mac.data(), mnl_attr_get_payload(attribute), mac.size());
  }
  if (mnl_attr_get_type(attribute) != IFLA_XDP) return MNL_CB_OK;
  const auto hear = [](const nlattr* nested, void* to) {
    if (mnl_attr_get_type(nested) == IFLA_XDP_ATTACHED)
      static_cast<KernelLink*>(to)->has_xdp_program = mnl_attr_get_u8(nested) != XDP_ATTACHED_NONE;
    return MNL_CB_OK;
  };
  return mnl_attr_parse_nested(attribute, hear, link);
}

std::uint8_t family_number(net::Family family) {
  return family == net::Family::v4 ? AF_INET : AF_INET6;
}

}  // namespace

void Netlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Netlink::Netlink() : socket_{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)} {
  if (!socket_) throw last_error("opening rtnetlink");
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) throw last_error("binding rtnetlink");
}

void Netlink::talk(nlmsghdr* request, int (*hear)(const nlmsghdr*, void*), void* hearer) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) throw last_error("asking rtnetlink");
  std::array<char, 8192> answer;
  const auto length = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
  if (length < 0) throw last_error("hearing rtnetlink");
  const auto port = mnl_socket_get_portid(socket_.get());
  if (mnl_cb_run(answer.data(), static_cast<std::size_t>(length), sequence_, port, hear, hearer) < 0) {
    throw last_error("rtnetlink");
  }
}

void Netlink::configure_link(unsigned interface, const net::MacAddress& mac, std::uint16_t mtu) {
  Request request{RTM_NEWLINK, 0};
  auto* link = request.body<ifinfomsg>();
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = static_cast<int>(interface);
  link->ifi_change = IFF_UP;
  link->ifi_flags = IFF_UP;
  mnl_attr_put(request.header, IFLA_ADDRESS, mac.bytes.size(), mac.bytes.data());
  mnl_attr_put_u32(request.header, IFLA_MTU, mtu);
  talk(request.header);
}

std::optional<KernelLink> Netlink::link(unsigned interface) {
  Request request{RTM_GETLINK, 0};
  request.header->nlmsg_flags = NLM_F_REQUEST;  // the answer is an answer, no other one is needed
  auto* body = request.body<ifinfomsg>();
  body->ifi_family = AF_UNSPEC;
  body->ifi_index = static_cast<int>(interface);
  KernelLink found;
  const auto hear = [](const nlmsghdr* answer, void* to) {
    const auto* heard = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(answer));
    static_cast<KernelLink*>(to)->up = (heard->ifi_flags & IFF_UP) != 0;
    static_cast<KernelLink*>(to)->carrier = (heard->ifi_flags & IFF_RUNNING) != 0;
    return mnl_attr_parse(answer, sizeof(ifinfomsg), hear_link, to);
  };
  try {
    talk(request.header, hear, &found);
  } catch (const std::system_error& error) {
    if (error.code().value() == ENODEV) return std::nullopt;
    throw;
  }
  return found;
}

void Netlink::add_address(unsigned interface, const net::InterfaceAddress& address) {
  Request request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE};
  auto* body = request.body<ifaddrmsg>();
  body->ifa_family = family_number(address.address.family());
  body->ifa_prefixlen = address.length;
  body->ifa_flags = address.address.is_v6() ? IFA_F_NODAD : 0;
  body->ifa_scope = RT_SCOPE_UNIVERSE;
  body->ifa_index = interface;
  request.put(IFA_LOCAL, address.address);
  request.put(IFA_ADDRESS, address.address);
  talk(request.header);
}

namespace {

void describe_route(Request& request, unsigned interface, const net::Prefix& to, const net::IpAddress& via,
                    std::uint32_t metric) {
  auto* route = request.body<rtmsg>();
  route->rtm_family = family_number(to.family());
  route->rtm_dst_len = static_cast<std::uint8_t>(to.length());
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_UNICAST;
  if (to.length() > 0) request.put(RTA_DST, to.address());
  request.put(RTA_GATEWAY, via);
  mnl_attr_put_u32(request.header, RTA_OIF, interface);
  mnl_attr_put_u32(request.header, RTA_PRIORITY, metric);
}

}  // namespace

void Netlink::add_route(unsigned interface, const net::Prefix& to, const net::IpAddress& via,
                        std::uint32_t metric) {
  Request request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE};
  describe_route(request, interface, to, via, metric);
  talk(request.header);
}

void Netlink::remove_route(unsigned interface, const net::Prefix& to, const net::IpAddress& via,
                           std::uint32_t metric) {
  Request request{RTM_DELROUTE, 0};
  describe_route(request, interface, to, via, metric);
  talk(request.header);
}

void set_sysctl(const std::string& key, const std::string& value) {
  const std::string path = "/proc/sys/" + key;
  { std::ofstream{path} << value; }
  std::string now;
  if (!(std::ifstream{path} >> now) || now == value) return;
  throw std::runtime_error{
      path + " is " + now + ", and cannot be set to " + value +
      ": /proc/sys is read-only for this process (ProtectKernelTunables= of a service, or a "
      "container?)"};
}

}  // namespace rgw::control
