// DNS over TCP (RFC 7766): length-prefixed messages, several on a connection, answered in any order.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/control/dns_transport.hpp"
#include "realmgw/control/event_loop.hpp"

#include <array>
#include <chrono>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

namespace rgw::control {

/// All DNS connections of the gateway. What strangers can make it keep: `Limits::connections` times
/// (`largest_query` + `Limits::unsent` + one answer of 64 KiB) bytes.
class DnsTcp final : public DnsTransport {
 public:
  struct Limits {
    std::size_t connections = 256;  ///< one more closes the one that has been idle longest
    std::size_t unsent = 65536;  ///< bytes of answers beyond which no further query of the connection is read
    std::chrono::seconds idle{10};  ///< without a whole query, or an answer that the client took
  };
  static constexpr std::size_t largest_query = 16384;  ///< bytes; a longer one ends the connection
  static constexpr unsigned queries_per_turn = 32;     ///< of one connection

  DnsTcp(EventLoop& loop, const Clock& clock, DnsHandler& handler, Limits limits);
  DnsTcp(EventLoop& loop, const Clock& clock, DnsHandler& handler) : DnsTcp{loop, clock, handler, Limits{}} {}
  ~DnsTcp() override;

  /// Listens on one more address; returns the endpoint, whose port the kernel chose where it was 0. Throws
  /// std::system_error.
  net::Endpoint listen(const net::Endpoint& local);
  void send(const ReplyPath& path, std::span<const std::uint8_t> answer) override;
  /// Sends one of several messages that answer one query; `more` are to follow.
  void send_part(std::uint64_t connection, std::span<const std::uint8_t> message, bool more);
  /// May more be sent on it just now? Nothing where it is gone.
  [[nodiscard]] std::optional<bool> takes_more(std::uint64_t connection) const;
  /// Closes what has been idle too long, and goes on with queries that a turn left over.
  void tick(Instant now);
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    std::uint64_t id;
    FileDescriptor socket;
    net::Endpoint client;
    Instant progress;
    std::vector<std::uint8_t> in;
    std::vector<std::uint8_t> out;
    std::uint32_t watched;  // EPOLL* bits
    bool begun = false;     // what comes is messages; a relay's header is behind us
    std::optional<dns::ProxyHeader> header{};
    bool ended = false;       // the client sends no more
    bool unfinished = false;  // it is in the list below
    bool owed = false;        // an answer may still come for a query that had none at once
  };
  using Place = std::list<Connection>::iterator;

  void accept(int listener);
  void handle(std::uint64_t id, std::uint32_t events);
  bool receive(Connection& connection);
  bool read_header(Connection& connection);
  bool answer_queries(Place place, Instant now);
  void append(Connection& connection, std::span<const std::uint8_t> answer);
  bool flush(Place place, Instant now);
  void watch(Connection& connection);
  void settle(Place place, bool alive);
  void close(Place place);

  EventLoop& loop_;
  const Clock& clock_;
  DnsHandler& handler_;
  Limits limits_;
  std::vector<FileDescriptor> listeners_;
  std::list<Connection> connections_;  // the one idle longest first
  std::unordered_map<std::uint64_t, Place> by_id_;
  std::uint64_t next_id_ = 1;
  std::vector<std::uint64_t> unfinished_;  // connections with whole queries left over from their turn
  std::array<std::uint8_t, 65535> room_;
  std::array<std::uint8_t, 2 + largest_query> inbox_;  // of one read
};

}  // namespace rgw::control
