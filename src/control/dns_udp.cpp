#include "realmgw/control/dns_udp.hpp"

#include "realmgw/control/socket_address.hpp"
#include "realmgw/dns/types.hpp"

namespace rgw::control {

struct DnsUdp::Buffers {
  std::array<std::array<std::uint8_t, largest_query>, batch> queries;
  std::array<sockaddr_storage, batch> sources;
  std::array<iovec, batch> pieces;
  std::array<mmsghdr, batch> messages;
  std::array<std::uint8_t, dns::edns_udp_size> answer;

  Buffers() {
    for (std::size_t i = 0; i < batch; ++i) pieces[i] = {queries[i].data(), queries[i].size()};
  }
  void prepare() {
    for (std::size_t i = 0; i < batch; ++i) {
      messages[i] = {};
      messages[i].msg_hdr.msg_name = &sources[i];
      messages[i].msg_hdr.msg_namelen = sizeof sources[i];
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

DnsUdp::DnsUdp(EventLoop& loop, const Clock& clock, const net::Endpoint& local, DnsHandler& handler)
    : loop_{loop},
      clock_{clock},
      handler_{handler},
      socket_{bound_socket(SOCK_DGRAM, local)},
      local_endpoint_{control::local_endpoint(socket_)},
      buffers_{std::make_unique<Buffers>()} {
  loop_.add(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
}

DnsUdp::~DnsUdp() {
  loop_.remove(socket_.get());
}

void DnsUdp::receive() {
  buffers_->prepare();
  const int received = recvmmsg(socket_.get(), buffers_->messages.data(), batch, 0, nullptr);
  const Instant now = clock_.now();
  for (int i = 0; i < received; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const mmsghdr& message = buffers_->messages[at];
    const auto source = to_endpoint(buffers_->sources[at]);
    if (!source || (message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
    const ReplyPath path{this, dns::Transport::udp, *source};
    const auto query = std::span{buffers_->queries[at]}.first(message.msg_len);
    const auto answer = handler_.answer(query, path, now, buffers_->answer);
    if (!answer.empty()) send(path, answer);
  }
}

void DnsUdp::send(const ReplyPath& path, std::span<const std::uint8_t> answer) {
  const SocketAddress to = to_socket_address(path.client);
  // Where the socket's buffer is full the answer is lost, and the resolver asks again, as it must over UDP.
  static_cast<void>(
      sendto(socket_.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to.get(), to.length));
}

}  // namespace rgw::control
