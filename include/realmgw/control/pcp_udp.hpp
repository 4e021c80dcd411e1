// PCP over UDP on one address of the gateway's inside.
#pragma once

#include "realmgw/control/event_loop.hpp"
#include "realmgw/net/transport.hpp"
#include "realmgw/pcp/message.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <span>

namespace rgw::control {

/// One socket for one address, so that a response comes from the address that was asked (RFC 6887
/// section 8.2).
class PcpUdp {
 public:
  using Handler = std::function<void(std::span<const std::uint8_t> datagram, const net::Endpoint& from)>;
  static constexpr unsigned batch = 32;  ///< datagrams in one turn

  /// `interface`: the kernel's number of the link that the address is on, for what goes to all of it; 0: not
  /// known. Throws std::system_error.
  PcpUdp(EventLoop& loop, const net::Endpoint& local, unsigned interface, Handler handler);
  ~PcpUdp();
  PcpUdp(const PcpUdp&) = delete;
  PcpUdp& operator=(const PcpUdp&) = delete;

  /// What cannot be sent is lost; clients ask again.
  void send(const net::Endpoint& to, std::span<const std::uint8_t> datagram);
  /// To all clients on the link (section 14.1).
  void announce(std::span<const std::uint8_t> datagram);
  [[nodiscard]] net::Endpoint local() const { return local_; }

 private:
  void receive();

  EventLoop& loop_;
  Handler handler_;
  FileDescriptor socket_;
  net::Endpoint local_;
  unsigned interface_;
  /// A byte more than a message may have: what is longer shows.
  std::array<std::uint8_t, pcp::longest_message + 4> buffer_;
};

}  // namespace rgw::control
