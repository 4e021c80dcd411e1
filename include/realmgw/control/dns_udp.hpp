// DNS over UDP on one address.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/control/dns_transport.hpp"
#include "realmgw/control/event_loop.hpp"

#include <array>
#include <memory>

namespace rgw::control {

/// One socket for one address, so that an answer comes from the address that was asked.
class DnsUdp final : public DnsTransport {
 public:
  static constexpr unsigned batch = 32;               ///< queries in one turn
  static constexpr std::size_t largest_query = 4096;  ///< bytes; a longer one is passed over

  /// Throws std::system_error.
  DnsUdp(EventLoop& loop, const Clock& clock, const net::Endpoint& local, DnsHandler& handler);
  ~DnsUdp() override;

  void send(const ReplyPath& path, std::span<const std::uint8_t> answer) override;
  [[nodiscard]] net::Endpoint local() const { return local_endpoint_; }

 private:
  struct Buffers;
  void receive();
  void send_answers();

  EventLoop& loop_;
  const Clock& clock_;
  DnsHandler& handler_;
  FileDescriptor socket_;
  net::Endpoint local_endpoint_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace rgw::control
