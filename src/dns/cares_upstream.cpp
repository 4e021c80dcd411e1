#include "realmgw/dns/cares_upstream.hpp"

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
#include <utility>

#include "reply_marks.hpp"
#include <ares.h>

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

/// What an attempt came to.
enum class End : std::uint8_t {
  none,  ///< not yet
  answered,
  no_edns,      ///< it wants to be asked without
  failed,       ///< it will not answer this question
  silent,       ///< nothing came in time
  unreachable,  ///< its host does not take it
};

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

}  // namespace

struct CaresUpstream::Channel {
  CaresUpstream* owner;
  ares_channel handle = nullptr;
  Manner manner;
  FetchId id{};
  std::size_t upstream = SIZE_MAX;  // that it is set to
  std::vector<std::uint8_t> query;  // as sent
  int udp = -1;                     // the socket
  End end = End::none;
  std::vector<std::uint8_t> message;  // the answer
  bool in_flight = false;             // c-ares still holds the query
  bool used_tcp = false;

  Channel(CaresUpstream& upstreams, Manner how) : owner{&upstreams}, manner{how} {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    in_flight = false;
    if (handle != nullptr) ares_destroy(handle);
  }
  static Channel& of(void* self) { return *static_cast<Channel*>(self); }

  static void on_state(void* self, ares_socket_t fd, int readable, int writable) {
    of(self).owner->socket_state(of(self), fd, readable != 0, writable != 0);
  }
  static void on_reply(void* self, int status, int, unsigned char* message, int size) {
    of(self).finish(status, {message, message == nullptr || size < 0 ? 0U : static_cast<std::size_t>(size)});
  }
  void finish(int status, std::span<const std::uint8_t> reply) {
    if (!in_flight) return;  // given up
    in_flight = false;
    if (status != ARES_SUCCESS) {
      const bool refused = status == ARES_ECONNREFUSED;
      end = refused ? End::unreachable : End::silent;
      return;
    }
    end = end_of(read_marks(reply), manner.edns);
    if (end == End::answered) message.assign(reply.begin(), reply.end());
  }
  /// Looks at a datagram before c-ares does, which takes an error for a sign that it should ask again without
  /// EDNS, and that for good, and passes over one without a question. True where the datagram ends the
  /// attempt.
  bool refuses(std::span<const std::uint8_t> datagram) {
    if (!replies_to(datagram, query)) return false;
    const auto marks = read_marks(datagram);
    const auto verdict = end_of(marks, manner.edns);
    const bool truncated = (datagram[2] & flag::tc >> 8) != 0;
    if (verdict == End::answered || truncated) return false;
    end = verdict;
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
        of(self).refuses({static_cast<const std::uint8_t*>(room), static_cast<std::size_t>(got)})) {
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

/// A question on its way.
struct CaresUpstream::Asked {
  /// What this question has met at an upstream.
  struct Course {
    bool plain = false, tcp = false;  ///< asked so
    bool out = false;                 ///< not asked any more
  };
  FetchId id{};
  std::vector<std::uint8_t> query;
  std::size_t first = 0;  ///< the upstream that it began with
  std::vector<Course> courses;
  int round = 0;
  std::size_t place = 0;   ///< in the order of this question
  bool may_blame = false;  ///< the first upstream did worse than to fail this one name
  bool was_reached = false;
  std::unique_ptr<Channel> channel;

  [[nodiscard]] std::size_t upstream() const { return (first + place) % courses.size(); }
};

CaresUpstream::CaresUpstream(Config config, SocketWatcher& watcher)
    : config_{std::move(config)}, watcher_{watcher}, standings_(config_.upstreams.size()) {
  if (config_.upstreams.empty()) throw std::invalid_argument{"no upstream"};
  start_library();
}

CaresUpstream::~CaresUpstream() = default;

std::unique_ptr<CaresUpstream::Channel> CaresUpstream::open(Manner manner, std::size_t upstream) {
  std::unique_ptr<Channel> channel;
  if (auto& idle = idle_[manner.index()]; !idle.empty()) {
    channel = std::move(idle.back());
    idle.pop_back();
  } else {
    channel = std::make_unique<Channel>(*this, manner);
    ares_options options{};
    // All that c-ares would else look for in /etc/resolv.conf is said here.
    std::string lookups{"b"};
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP;
    if (manner.edns) options.flags |= ARES_FLAG_EDNS;
    if (manner.tcp) options.flags |= ARES_FLAG_USEVC;
    options.ednspsz = static_cast<int>(edns_udp_size);
    options.timeout = static_cast<int>(config_.timeout.count());
    options.tries = 1;
    options.ndots = 1;
    options.lookups = lookups.data();
    options.sock_state_cb = Channel::on_state;
    options.sock_state_cb_data = channel.get();
    const int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                     ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
                     ARES_OPT_SORTLIST | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
    if (ares_init_options(&channel->handle, &options, mask) != ARES_SUCCESS) {
      channel->handle = nullptr;
      return nullptr;
    }
    ares_set_socket_functions(channel->handle, Channel::functions(), channel.get());
  }
  if (channel->upstream != upstream) {
    ares_addr_port_node node = node_of(config_.upstreams[upstream]);
    if (ares_set_servers_ports(channel->handle, &node) != ARES_SUCCESS) return nullptr;
    channel->upstream = upstream;
  }
  return channel;
}

/// Keeps a channel for the next question, unless c-ares may know something by it that is not so: a query that
/// it has not heard of any more, or an error over TCP, after which it gives up EDNS.
void CaresUpstream::put_away(std::unique_ptr<Channel> channel) {
  auto& idle = idle_[channel->manner.index()];
  if (channel->in_flight || channel->used_tcp || channel->end != End::answered || idle.size() >= max_idle)
    return;
  idle.push_back(std::move(channel));
}

void CaresUpstream::ask(FetchId id, std::span<const std::uint8_t> query) {
  auto asked = std::make_unique<Asked>();
  asked->id = id;
  asked->query.assign(query.begin(), query.end());
  asked->first = preferred_;
  asked->courses.resize(config_.upstreams.size());
  Asked& known = *busy_.insert_or_assign(id, std::move(asked)).first->second;
  if (!attempt(known)) return reply(id, UpstreamReply::Status::unreachable, {});
  settle(id);
}

bool CaresUpstream::attempt(Asked& asked) {
  for (; asked.round <= config_.tries; ++asked.round, asked.place = 0) {
    const bool last_round = asked.round == config_.tries;
    for (; asked.place < asked.courses.size(); ++asked.place) {
      const std::size_t upstream = asked.upstream();
      const Standing& standing = standings_[upstream];
      auto& course = asked.courses[upstream];
      if (course.out) continue;
      course.plain = course.plain || now_ < standing.plain_until;
      course.tcp = course.tcp || last_round || now_ < standing.tcp_until;
      send(asked, upstream, {!course.plain, course.tcp});
      if (asked.channel) return true;
    }
  }
  return false;
}

void CaresUpstream::send(Asked& asked, std::size_t upstream, Manner manner) {
  asked.channel = open(manner, upstream);
  if (!asked.channel) return;
  Channel& channel = *asked.channel;
  channel.id = asked.id;
  channel.end = End::none;
  channel.message.clear();
  channel.query = asked.query;
  if (!manner.edns) strip_opt(channel.query);
  const std::uint64_t secret = Random::kernel_seed();  // the ID: not to be guessed (RFC 5452 section 9.1)
  channel.query[0] = static_cast<std::uint8_t>(secret >> 8);
  channel.query[1] = static_cast<std::uint8_t>(secret);
  channel.in_flight = true;
  ares_send(channel.handle, channel.query.data(), static_cast<int>(channel.query.size()), Channel::on_reply,
            &channel);
}

std::vector<CaresUpstream::Health> CaresUpstream::health() const {
  std::vector<Health> all;
  for (std::size_t i = 0; i < standings_.size(); ++i) {
    all.push_back(standings_[i].health);
    all.back().upstream = config_.upstreams[i];
    all.back().preferred = i == preferred_;
  }
  return all;
}

bool CaresUpstream::conclude(Asked& asked) {
  const std::size_t upstream = asked.upstream();
  auto& course = asked.courses[upstream];
  Standing& standing = standings_[upstream];
  const End end = asked.channel->end;
  const bool is_first = upstream == asked.first;
  asked.was_reached = asked.was_reached || end != End::unreachable;
  // TCP repeats what is lost by itself, so once is enough; where it was a memory that spoke for it, that is
  // wrong.
  const auto give_up_tcp = [&] {
    course.out = now_ >= standing.tcp_until;
    course.tcp = false;
    standing.tcp_until = {};
  };
  switch (end) {
    case End::none:
      break;
    case End::answered:
      ++standing.health.answered;
      // From when it was learnt, not from when it was last used: it is tried again in the end.
      if (course.plain && now_ >= standing.plain_until) standing.plain_until = now_ + config_.memory;
      if (course.tcp && now_ >= standing.tcp_until) standing.tcp_until = now_ + config_.memory;
      return true;
    case End::no_edns:
      ++standing.health.failed;
      course.plain = true;
      break;
    case End::failed:
      ++standing.health.failed;
      course.out = true;
      break;
    case End::silent:
      ++standing.health.silent;
      asked.may_blame = asked.may_blame || is_first;
      if (course.tcp) {
        give_up_tcp();
      } else {
        ++asked.place;
      }
      break;
    case End::unreachable:
      ++standing.health.unreachable;
      asked.may_blame = asked.may_blame || is_first;
      if (course.tcp) {
        give_up_tcp();
      } else {
        course.tcp = true;
      }
      break;
  }
  return false;
}

void CaresUpstream::settle(FetchId id) {
  const auto found = busy_.find(id);
  if (found == busy_.end()) return;
  Asked& asked = *found->second;
  while (asked.channel->end != End::none) {
    if (conclude(asked)) {
      prefer_after(asked, asked.upstream());
      auto message = std::move(asked.channel->message);
      put_away(std::move(asked.channel));
      return reply(id, UpstreamReply::Status::answered, std::move(message));
    }
    asked.channel.reset();
    if (!attempt(asked)) {
      prefer_after(asked, (asked.first + 1) % config_.upstreams.size());
      using Status = UpstreamReply::Status;
      return reply(id, asked.was_reached ? Status::no_answer : Status::unreachable, {});
    }
  }
}

void CaresUpstream::reply(FetchId id, UpstreamReply::Status status, std::vector<std::uint8_t> message) {
  busy_.erase(id);
  replies_.push_back({id, status, std::move(message)});
}

/// The next question starts with an upstream that may be better.
void CaresUpstream::prefer_after(const Asked& asked, std::size_t upstream) {
  if (asked.may_blame && preferred_ == asked.first) preferred_ = upstream;
}

void CaresUpstream::cancel(FetchId id) {
  busy_.erase(id);
  std::erase_if(replies_, [id](const UpstreamReply& reply) { return reply.id == id; });
}

std::optional<UpstreamReply> CaresUpstream::take() {
  if (replies_.empty()) return std::nullopt;
  UpstreamReply first = std::move(replies_.front());
  replies_.pop_front();
  return first;
}

void CaresUpstream::socket_state(Channel& channel, int fd, bool readable, bool writable) {
  if (readable || writable) {
    by_socket_[fd] = &channel;
  } else if (by_socket_.erase(fd) == 0) {
    return;
  }
  watcher_.watch(fd, readable, writable);
}

// `settle` is never called from within c-ares, which still needs the channel there.
void CaresUpstream::ready(int fd, bool readable, bool writable) {
  const auto found = by_socket_.find(fd);
  if (found == by_socket_.end()) return;
  Channel& channel = *found->second;
  const FetchId id = channel.id;
  ares_process_fd(channel.handle, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  settle(id);
}

void CaresUpstream::tick(Instant now) {
  now_ = now;
  if (now < next_tick_) return;
  next_tick_ = now + tick_interval;
  std::vector<FetchId> waiting;
  waiting.reserve(busy_.size());
  for (const auto& [id, asked] : busy_) waiting.push_back(id);
  for (const FetchId id : waiting) {
    const auto found = busy_.find(id);
    if (found == busy_.end()) continue;
    ares_process_fd(found->second->channel->handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle(id);
  }
}

}  // namespace rgw::dns
