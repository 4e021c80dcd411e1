#include "cares_channel.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/dns/types.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "reply_marks.hpp"

namespace rgw::dns {
namespace {

/// Sets c-ares up once, for as long as the process lives.
void start_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status != ARES_SUCCESS) throw std::runtime_error{std::string{"c-ares: "} + ares_strerror(status)};
}

ares_addr_port_node node_of(const net::Endpoint& endpoint) {
  ares_addr_port_node node{};
  node.udp_port = node.tcp_port = endpoint.port;
  if (endpoint.address.is_v4()) {
    node.family = AF_INET;
    std::copy_n(endpoint.address.data(), 4, reinterpret_cast<std::uint8_t*>(&node.addr.addr4));
  } else {
    node.family = AF_INET6;
    std::copy_n(endpoint.address.data(), 16, reinterpret_cast<std::uint8_t*>(&node.addr.addr6));
  }
  return node;
}

constexpr std::size_t opt_size = 11;  // an OPT record without options (RFC 6891 section 6.1.2)
constexpr std::size_t additional_count_at = 10;

/// The query as a server gets it that does not know EDNS (RFC 6891 section 6.2.2).
void strip_opt(std::vector<std::uint8_t>& query) {
  if (query.size() < header_size + opt_size) return;
  query.resize(query.size() - opt_size);
  query[additional_count_at] = query[additional_count_at + 1] = 0;
}

End end_of(const std::optional<ReplyMarks>& marks, bool asked_with_edns) {
  if (!marks) return End::failed;
  switch (marks->rcode) {
    case Rcode::noerror:
    case Rcode::nxdomain:
      return marks->lame ? End::failed : End::answered;
    case Rcode::formerr:
    case Rcode::notimp:
    case Rcode::badvers:
      return asked_with_edns ? End::no_edns : End::failed;
    case Rcode::servfail:  // some that do not know EDNS say this; one that does says so by its OPT
      return asked_with_edns && !marks->edns ? End::no_edns : End::failed;
    default:
      return End::failed;
  }
}

/// What c-ares calls back, with the channel as `self`.
struct Callbacks {
  static CaresChannel& of(void* self) { return *static_cast<CaresChannel*>(self); }

  static void on_state(void* self, ares_socket_t fd, int readable, int writable) {
    of(self).sockets->socket_state(of(self), fd, readable != 0, writable != 0);
  }
  static void on_reply(void* self, int status, int, unsigned char* message, int size) {
    finish(of(self), status, {message, message == nullptr || size < 0 ? 0U : static_cast<std::size_t>(size)});
  }
  static void finish(CaresChannel& channel, int status, std::span<const std::uint8_t> reply) {
    if (!channel.in_flight) return;  // given up
    channel.in_flight = false;
    if (status != ARES_SUCCESS) {
      const bool refused = status == ARES_ECONNREFUSED;
      channel.end = refused ? End::unreachable : End::silent;
      return;
    }
    channel.end = end_of(read_marks(reply), channel.manner.edns);
    if (channel.end == End::answered) channel.message.assign(reply.begin(), reply.end());
  }
  /// Looks at a datagram before c-ares does, which takes an error for a sign that it should ask again without
  /// EDNS, and that for good, and passes over one without a question. True where the datagram ends the
  /// attempt.
  static bool refuses(CaresChannel& channel, std::span<const std::uint8_t> datagram) {
    if (!replies_to(datagram, channel.query)) return false;
    const auto marks = read_marks(datagram);
    const auto verdict = end_of(marks, channel.manner.edns);
    const bool truncated = (datagram[2] & flag::tc >> 8) != 0;
    if (verdict == End::answered || truncated) return false;
    channel.end = verdict;
    return true;
  }

  // The sockets, as c-ares opens and uses them.
  static ares_socket_t open_socket(int family, int type, int protocol, void* self) {
    const int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (type == SOCK_DGRAM) {
      of(self).udp = fd;
    } else {
      of(self).used_tcp = true;
    }
    return fd;
  }
  static int close_socket(ares_socket_t fd, void* self) {
    if (of(self).udp == fd) of(self).udp = -1;
    return close(fd);
  }
  static int connect_socket(ares_socket_t fd, const sockaddr* to, ares_socklen_t size, void*) {
    return connect(fd, to, size);
  }
  static ares_ssize_t receive(ares_socket_t fd, void* room, std::size_t size, int flags, sockaddr* from,
                              ares_socklen_t* from_size, void* self) {
    const auto got = recvfrom(fd, room, size, flags, from, from_size);
    if (got > 0 && fd == of(self).udp &&
        refuses(of(self), {static_cast<const std::uint8_t*>(room), static_cast<std::size_t>(got)})) {
      errno = EAGAIN;  // nothing came, as far as c-ares is told; the channel is given up
      return -1;
    }
    return got;
  }
  static ares_ssize_t transmit(ares_socket_t fd, const iovec* parts, int count, void*) {
    return writev(fd, parts, count);
  }
  static const ares_socket_functions* functions() {
    static constexpr ares_socket_functions all{open_socket, close_socket, connect_socket, receive, transmit};
    return &all;
  }
};

}  // namespace

std::unique_ptr<CaresChannel> CaresChannel::open(ChannelSockets& sockets, Manner manner,
                                                 std::chrono::milliseconds timeout) {
  start_library();
  auto channel = std::make_unique<CaresChannel>(sockets, manner);
  ares_options options{};
  // All that c-ares would else look for in /etc/resolv.conf is said here.
  std::string lookups{"b"};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP;
  if (manner.edns) options.flags |= ARES_FLAG_EDNS;
  if (manner.tcp) options.flags |= ARES_FLAG_USEVC;
  options.ednspsz = static_cast<int>(edns_udp_size);
  options.timeout = static_cast<int>(timeout.count());
  options.tries = 1;
  options.ndots = 1;
  options.lookups = lookups.data();
  options.sock_state_cb = Callbacks::on_state;
  options.sock_state_cb_data = channel.get();
  const int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                   ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
  if (ares_init_options(&channel->handle, &options, mask) != ARES_SUCCESS) {
    channel->handle = nullptr;
    return nullptr;
  }
  ares_set_socket_functions(channel->handle, Callbacks::functions(), channel.get());
  return channel;
}

CaresChannel::~CaresChannel() {
  in_flight = false;
  if (handle != nullptr) ares_destroy(handle);
}

bool CaresChannel::set(std::size_t index, const net::Endpoint& endpoint) {
  if (upstream == index) return true;
  ares_addr_port_node node = node_of(endpoint);
  if (ares_set_servers_ports(handle, &node) != ARES_SUCCESS) return false;
  upstream = index;
  return true;
}

void CaresChannel::send(FetchId fetch, std::span<const std::uint8_t> question) {
  id = fetch;
  sent.reset();
  end = End::none;
  message.clear();
  query.assign(question.begin(), question.end());
  if (!manner.edns) strip_opt(query);
  const std::uint64_t secret = Random::kernel_seed();  // the ID: not to be guessed (RFC 5452 section 9.1)
  query[0] = static_cast<std::uint8_t>(secret >> 8);
  query[1] = static_cast<std::uint8_t>(secret);
  in_flight = true;
  ares_send(handle, query.data(), static_cast<int>(query.size()), Callbacks::on_reply, this);
}

}  // namespace rgw::dns
