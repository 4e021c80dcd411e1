#include "realmgw/dns/cares_upstream.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/dns/types.hpp"

#include <algorithm>
#include <cassert>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <utility>

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

UpstreamReply::Status status_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return UpstreamReply::Status::answered;
    case ARES_ECONNREFUSED:
      return UpstreamReply::Status::unreachable;
    default:
      return UpstreamReply::Status::no_answer;
  }
}

}  // namespace

struct CaresUpstream::Channel {
  CaresUpstream* owner;
  ares_channel handle = nullptr;
  FetchId id;
  std::size_t first = 0;  // the upstream that it asks first
  bool done = false;      // the reply has come
  bool cancelled = false;
  bool spoilt = false;

  explicit Channel(CaresUpstream& upstream) : owner{&upstream} {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    cancelled = true;
    if (handle != nullptr) ares_destroy(handle);
  }

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    auto* channel = static_cast<Channel*>(self);
    channel->owner->socket_state(*channel, fd, readable != 0, writable != 0);
  }
  static void on_reply(void* self, int status, int timeouts, unsigned char* message, int size) {
    static_cast<Channel*>(self)->finish(status, timeouts, message, size);
  }
  void finish(int status, int timeouts, const unsigned char* message, int size) {
    done = true;
    spoilt = status != ARES_SUCCESS || timeouts > 0;
    if (cancelled) return;
    UpstreamReply reply{id, status_of(status), {}};
    if (message != nullptr && size > 0 && status == ARES_SUCCESS)
      reply.message.assign(message, message + size);
    owner->replies_.push_back(std::move(reply));
    // The next question starts with an upstream that may be better.
    if (spoilt && owner->preferred_ == first)
      owner->preferred_ = (first + 1) % owner->config_.upstreams.size();
  }
};

CaresUpstream::CaresUpstream(Config config, SocketWatcher& watcher)
    : config_{std::move(config)}, watcher_{watcher} {
  if (config_.upstreams.empty()) throw std::invalid_argument{"no upstream"};
  start_library();
}

CaresUpstream::~CaresUpstream() = default;

CaresUpstream::Channel* CaresUpstream::open() {
  if (!idle_.empty()) return idle_.back().get();
  auto channel = std::make_unique<Channel>(*this);
  ares_options options{};
  // All that c-ares would else look for in /etc/resolv.conf is said here.
  std::string lookups{"b"};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  options.ednspsz = static_cast<int>(edns_udp_size);
  options.timeout = static_cast<int>(config_.timeout.count());
  options.tries = config_.tries;
  options.ndots = 1;
  options.lookups = lookups.data();
  options.sock_state_cb = Channel::on_socket;
  options.sock_state_cb_data = channel.get();
  const int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                   ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
  if (ares_init_options(&channel->handle, &options, mask) != ARES_SUCCESS) {
    channel->handle = nullptr;
    return nullptr;
  }
  channel->first = config_.upstreams.size();  // none yet
  idle_.push_back(std::move(channel));
  return idle_.back().get();
}

void CaresUpstream::configure(Channel& channel) const {
  if (channel.first == preferred_) return;
  std::vector<ares_addr_port_node> nodes;
  for (std::size_t i = 0; i < config_.upstreams.size(); ++i) {
    nodes.push_back(node_of(config_.upstreams[(preferred_ + i) % config_.upstreams.size()]));
  }
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) nodes[i].next = &nodes[i + 1];
  if (ares_set_servers_ports(channel.handle, nodes.data()) == ARES_SUCCESS) channel.first = preferred_;
}

void CaresUpstream::ask(FetchId id, std::span<const std::uint8_t> query) {
  Channel* channel = open();
  if (channel != nullptr) configure(*channel);
  if (channel == nullptr || channel->first == config_.upstreams.size()) {
    replies_.push_back({id, UpstreamReply::Status::unreachable, {}});
    return;
  }
  auto owned = std::move(idle_.back());
  idle_.pop_back();
  channel->id = id;
  channel->done = channel->cancelled = channel->spoilt = false;
  busy_.emplace(id, std::move(owned));
  std::vector<std::uint8_t> message(query.begin(), query.end());
  const std::uint64_t secret = Random::kernel_seed();  // the ID: not to be guessed (RFC 5452 section 9.1)
  message[0] = static_cast<std::uint8_t>(secret >> 8);
  message[1] = static_cast<std::uint8_t>(secret);
  ares_send(channel->handle, message.data(), static_cast<int>(message.size()), Channel::on_reply, channel);
  settle(*channel);
}

void CaresUpstream::cancel(FetchId id) {
  const auto found = busy_.find(id);
  if (found != busy_.end()) {
    found->second->cancelled = true;
    const auto owned = std::move(found->second);
    busy_.erase(found);
  }
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

void CaresUpstream::ready(int fd, bool readable, bool writable) {
  const auto found = by_socket_.find(fd);
  if (found == by_socket_.end()) return;
  Channel& channel = *found->second;
  ares_process_fd(channel.handle, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  settle(channel);
}

void CaresUpstream::tick(Instant now) {
  if (now < next_tick_) return;
  next_tick_ = now + tick_interval;
  std::vector<Channel*> channels;
  channels.reserve(busy_.size());
  for (const auto& [id, channel] : busy_) channels.push_back(channel.get());
  for (Channel* channel : channels) {
    ares_process_fd(channel->handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    settle(*channel);
  }
}

/// Puts a channel away whose reply has come. Never called from within c-ares, which still needs it there.
void CaresUpstream::settle(Channel& channel) {
  if (!channel.done) return;
  const auto found = busy_.find(channel.id);
  if (found == busy_.end()) return;
  auto owned = std::move(found->second);
  busy_.erase(found);
  if (!owned->spoilt && idle_.size() < max_idle) idle_.push_back(std::move(owned));
}

}  // namespace rgw::dns
