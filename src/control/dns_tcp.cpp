#include "realmgw/control/dns_tcp.hpp"

#include "realmgw/control/socket_address.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <utility>

namespace rgw::control {

namespace {

constexpr int accepts_per_turn = 16;
constexpr std::size_t prefix = 2;  // RFC 1035 section 4.2.2

std::size_t message_length(std::span<const std::uint8_t> bytes) {
  return std::size_t{bytes[0]} << 8 | bytes[1];
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

DnsTcp::DnsTcp(EventLoop& loop, const Clock& clock, DnsHandler& handler, Limits limits)
    : loop_{loop}, clock_{clock}, handler_{handler}, limits_{limits} {}

DnsTcp::~DnsTcp() {
  for (const auto& listener : listeners_) loop_.remove(listener.get());
  for (const auto& connection : connections_) loop_.remove(connection.socket.get());
}

net::Endpoint DnsTcp::listen(const net::Endpoint& local) {
  FileDescriptor socket = bound_socket(SOCK_STREAM, local);
  // An answer does not wait for the client's word that the one before has come. What is accepted inherits
  // this.
  const int on = 1;
  if (setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      ::listen(socket.get(), 128) != 0)
    throw last_error("listening on " + local.to_string());
  loop_.add(socket.get(), EPOLLIN, [this, fd = socket.get()](std::uint32_t) { accept(fd); });
  const net::Endpoint bound = local_endpoint(socket);
  listeners_.push_back(std::move(socket));
  return bound;
}

void DnsTcp::accept(int listener) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    FileDescriptor socket{accept4(listener, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    const auto client = to_endpoint(peer.storage);
    if (!socket || !client) return;
    if (connections_.size() >= limits_.connections) close(connections_.begin());
    const std::uint64_t id = next_id_++;
    const int fd = socket.get();
    connections_.push_back({id, std::move(socket), *client, clock_.now(), {}, {}, EPOLLIN});
    by_id_[id] = std::prev(connections_.end());
    loop_.add(fd, EPOLLIN, [this, id](std::uint32_t events) { handle(id, events); });
  }
}

void DnsTcp::handle(std::uint64_t id, std::uint32_t events) {
  const Place place = by_id_.at(id);
  const Instant now = clock_.now();
  bool alive = (events & (EPOLLERR | EPOLLHUP)) == 0;
  if (alive && (events & EPOLLOUT) != 0) alive = flush(place, now);
  if (alive && (events & EPOLLIN) != 0) alive = receive(*place);
  settle(place, alive && answer_queries(place, now));
}

/// Reads once, into the room for one query and its prefix. False where the connection is broken.
bool DnsTcp::receive(Connection& connection) {
  const std::size_t had = connection.in.size();
  const std::size_t room = prefix + largest_query - had;
  if (room == 0 || connection.ended) return true;
  const auto got = recv(connection.socket.get(), inbox_.data(), room, 0);
  if (got > 0) connection.in.insert(connection.in.end(), inbox_.begin(), inbox_.begin() + got);
  if (got == 0) connection.ended = true;
  return got >= 0 || would_block();
}

/// A relay says who asks before the first message, once for all of the connection (DNS-5). False where the
/// connection is to be closed.
bool DnsTcp::read_header(Connection& connection) {
  using State = dns::ProxyHeader::State;
  const auto header = dns::read_proxy_header(connection.in);
  if (header.state == State::unfinished) return true;
  connection.begun = true;
  if (header.state == State::none) return true;
  if (!handler_.believes(connection.client.address, header)) return false;
  connection.header = header;
  connection.in.erase(connection.in.begin(),
                      connection.in.begin() + static_cast<std::ptrdiff_t>(header.size));
  return true;
}

/// False where the connection is to be closed.
bool DnsTcp::answer_queries(Place place, Instant now) {
  Connection& connection = *place;
  if (!connection.begun && !read_header(connection)) return false;
  if (!connection.begun) return true;
  std::size_t at = 0;
  bool left_over = false;
  for (unsigned handled = 0; connection.in.size() - at >= prefix; ++handled) {
    const auto rest = std::span{connection.in}.subspan(at);
    const std::size_t length = message_length(rest);
    if (length > largest_query) return false;
    if (rest.size() < prefix + length) break;
    left_over = handled == queries_per_turn || connection.out.size() >= limits_.unsent;
    if (left_over) break;
    const ReplyPath path{.transport = this,
                         .kind = dns::Transport::tcp,
                         .client = connection.client,
                         .connection = connection.id,
                         .header = connection.header};
    const auto answer = handler_.answer(rest.subspan(prefix, length), path, now, room_);
    if (answer.empty()) {
      connection.owed = true;
    } else {
      append(connection, answer);
    }
    at += prefix + length;
  }
  connection.in.erase(connection.in.begin(), connection.in.begin() + static_cast<std::ptrdiff_t>(at));
  if (at > 0) {
    connection.progress = now;
    connections_.splice(connections_.end(), connections_, place);
  }
  const bool sound = flush(place, now);
  // Nothing more need come from the client to wake us; where it still takes no answers, its doing so will.
  if (left_over && connection.out.size() < limits_.unsent && !std::exchange(connection.unfinished, true)) {
    unfinished_.push_back(connection.id);
  }
  return sound;
}

void DnsTcp::append(Connection& connection, std::span<const std::uint8_t> answer) {
  connection.out.push_back(static_cast<std::uint8_t>(answer.size() >> 8));
  connection.out.push_back(static_cast<std::uint8_t>(answer.size()));
  connection.out.insert(connection.out.end(), answer.begin(), answer.end());
}

/// Sends what the client takes. False where the connection is broken.
bool DnsTcp::flush(Place place, Instant now) {
  Connection& connection = *place;
  if (connection.out.empty()) return true;
  const auto sent =
      ::send(connection.socket.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
  if (sent < 0) return would_block();
  connection.out.erase(connection.out.begin(), connection.out.begin() + sent);
  connection.progress = now;
  connections_.splice(connections_.end(), connections_, place);
  return true;
}

/// Waits for what the connection can do next, or closes it.
void DnsTcp::settle(Place place, bool alive) {
  Connection& connection = *place;
  // One that has said all it will is kept while an answer may be on the way: a wait for an address (POOL-8)
  // is shorter than the idle time, which ends it otherwise.
  const bool done = connection.ended && connection.out.empty() && !connection.owed && !connection.unfinished;
  if (!alive || done) return close(place);
  watch(connection);
}

void DnsTcp::watch(Connection& connection) {
  std::uint32_t events = 0;
  if (!connection.ended && connection.in.size() < prefix + largest_query &&
      connection.out.size() < limits_.unsent) {
    events |= EPOLLIN;
  }
  if (!connection.out.empty()) events |= EPOLLOUT;
  if (events == connection.watched) return;
  loop_.change(connection.socket.get(), events);
  connection.watched = events;
}

void DnsTcp::send(const ReplyPath& path, std::span<const std::uint8_t> answer) {
  send_part(path.connection, answer, false);
}

void DnsTcp::send_part(std::uint64_t connection, std::span<const std::uint8_t> message, bool more) {
  const auto found = by_id_.find(connection);
  if (found == by_id_.end()) return;
  const Place place = found->second;
  place->owed = more;
  append(*place, message);
  settle(place, flush(place, clock_.now()));
}

std::optional<bool> DnsTcp::takes_more(std::uint64_t connection) const {
  const auto found = by_id_.find(connection);
  if (found == by_id_.end()) return std::nullopt;
  return found->second->out.size() < limits_.unsent;
}

void DnsTcp::tick(Instant now) {
  for (const std::uint64_t id : std::exchange(unfinished_, {})) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) continue;
    found->second->unfinished = false;
    settle(found->second, answer_queries(found->second, now));
  }
  while (!connections_.empty() && connections_.front().progress + limits_.idle <= now)
    close(connections_.begin());
}

void DnsTcp::close(Place place) {
  loop_.remove(place->socket.get());
  by_id_.erase(place->id);
  connections_.erase(place);
}

}  // namespace rgw::control
