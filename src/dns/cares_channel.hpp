// One c-ares channel: a query to one upstream in one manner, and what came of it.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/dns/cares_upstream.hpp"
#include "realmgw/net/transport.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ares.h>

namespace rgw::dns {

/// How an upstream is asked.
struct Manner {
  bool edns = true;
  bool tcp = false;
  [[nodiscard]] std::size_t index() const { return (edns ? 1U : 0U) | (tcp ? 2U : 0U); }
};

/// What an attempt came to.
enum class End : std::uint8_t {
  none,  ///< not yet
  answered,
  no_edns,      ///< it wants to be asked without
  failed,       ///< it will not answer this question
  silent,       ///< nothing came in time
  unreachable,  ///< its host does not take it
};

/// It is used for one query after another. Its UDP socket, and so its source port, is a new one each time.
struct CaresChannel {
  ChannelSockets* sockets;
  ares_channel handle = nullptr;
  Manner manner;
  FetchId id{};
  std::size_t upstream = SIZE_MAX;    ///< that it is set to
  std::optional<Instant> sent{};      ///< as far as ticks tell
  std::vector<std::uint8_t> query{};  ///< as sent
  int udp = -1;                       ///< the socket
  End end = End::none;
  std::vector<std::uint8_t> message{};  ///< the answer
  bool in_flight = false;               ///< c-ares still holds the query
  bool used_tcp = false;

  /// Null where c-ares has no memory.
  [[nodiscard]] static std::unique_ptr<CaresChannel> open(ChannelSockets& sockets, Manner manner,
                                                          std::chrono::milliseconds timeout);
  CaresChannel(ChannelSockets& watched, Manner how) : sockets{&watched}, manner{how} {}
  CaresChannel(const CaresChannel&) = delete;
  CaresChannel& operator=(const CaresChannel&) = delete;
  ~CaresChannel();

  /// False where c-ares has no memory.
  [[nodiscard]] bool set(std::size_t index, const net::Endpoint& endpoint);
  /// Sends a query, which ends with an OPT record of no options; that is left out where the manner says so.
  void send(FetchId fetch, std::span<const std::uint8_t> question);
  /// May it be used for another query? Not where c-ares may know something by it that is not so: a query that
  /// it has not heard of any more, or an error over TCP, after which it gives up EDNS.
  [[nodiscard]] bool reusable() const { return !in_flight && !used_tcp && end == End::answered; }
};

}  // namespace rgw::dns
