#include "realmgw/control/dns_udp.hpp"

#include "realmgw/control/socket_address.hpp"
#include "realmgw/dns/types.hpp"

#include <cerrno>

namespace rgw::control {

struct DnsUdp::Buffers {
  std::array<std::array<std::uint8_t, largest_query>, batch> queries;
  std::array<sockaddr_storage, batch> sources;
  std::array<iovec, batch> pieces;
  std::array<mmsghdr, batch> messages;
  std::array<std::array<std::uint8_t, dns::edns_udp_size>, batch> answers;
  std::array<iovec, batch> answer_pieces;
  std::array<mmsghdr, batch> answer_messages;
  unsigned answered = 0;

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
    answered = 0;
  }
  /// Where the next answer may be written.
  [[nodiscard]] std::span<std::uint8_t> room() { return answers[answered]; }
  /// What has been written there goes to whom this query came from.
  void add_answer(std::span<std::uint8_t> answer, const mmsghdr& query) {
    answer_pieces[answered] = {answer.data(), answer.size()};
    mmsghdr& message = answer_messages[answered];
    message = {};
    message.msg_hdr.msg_name = query.msg_hdr.msg_name;
    message.msg_hdr.msg_namelen = query.msg_hdr.msg_namelen;
    message.msg_hdr.msg_iov = &answer_pieces[answered];
    message.msg_hdr.msg_iovlen = 1;
    ++answered;
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
    const auto room = buffers_->room();
    const auto answer = handler_.answer(query, path, now, room);
    if (!answer.empty()) buffers_->add_answer(room.first(answer.size()), message);
  }
  send_answers();
}

void DnsUdp::send_answers() {
  for (unsigned at = 0; at < buffers_->answered;) {
    const int sent = sendmmsg(socket_.get(), &buffers_->answer_messages[at], buffers_->answered - at,
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    // Where the socket's buffer is full answers are lost, and resolvers ask again, as they must over UDP.
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    at += sent > 0 ? static_cast<unsigned>(sent) : 1;  // one that cannot be sent keeps nobody else waiting
  }
}

void DnsUdp::send(const ReplyPath& path, std::span<const std::uint8_t> answer) {
  const SocketAddress to = to_socket_address(path.client);
  static_cast<void>(
      sendto(socket_.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to.get(), to.length));
}

}  // namespace rgw::control
