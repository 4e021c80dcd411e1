// The messages of the Port Control Protocol (RFC 6887 section 7): requests read, responses written.
#pragma once

#include "realmgw/net/transport.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace rgw::pcp {

inline constexpr std::uint8_t version = 2;
inline constexpr std::uint16_t server_port = 5351;
inline constexpr std::uint16_t client_port = 5350;    ///< where clients hear multicast announcements
inline constexpr std::size_t longest_message = 1100;  ///< bytes, section 7

enum class Opcode : std::uint8_t { announce = 0, map = 1, peer = 2 };

/// Section 7.4.
enum class Result : std::uint8_t {
  success = 0,
  unsupp_version = 1,
  not_authorized = 2,
  malformed_request = 3,
  unsupp_opcode = 4,
  unsupp_option = 5,
  malformed_option = 6,
  network_failure = 7,
  no_resources = 8,
  unsupp_protocol = 9,
  user_ex_quota = 10,
  cannot_provide_external = 11,
  address_mismatch = 12,
  excessive_remote_peers = 13
};

/// How long a client keeps from asking the same again after an error, in seconds (section 7.4): half an hour
/// where nothing will change by itself, else half a minute.
[[nodiscard]] std::uint32_t error_lifetime(Result result);

/// Who may change a mapping: a random number that only its client knows (section 11.2).
using Nonce = std::array<std::uint8_t, 12>;

/// The payload of a MAP request (section 11.1), and the options that come with it.
struct MapRequest {
  Nonce nonce{};
  std::uint8_t protocol = 0;        ///< by its IANA number; 0: all
  std::uint16_t internal_port = 0;  ///< 0: all
  /// What the client would like outside: port 0 and an unspecified address are no wish, but for the family.
  net::Endpoint suggested{};
  bool prefer_failure = false;  ///< that, or an error (section 13.2)
};

struct AnnounceRequest {};

struct Request {
  std::uint32_t lifetime = 0;  ///< seconds, as asked for
  net::IpAddress client;       ///< whom the client takes itself for
  std::variant<AnnounceRequest, MapRequest> what;
};

/// It is no request, and nothing is said to it: a response, or too short to be answered.
struct NoRequest {};

/// Reads any bytes. A `Result` is the error that the request is answered with (section 8.2).
[[nodiscard]] std::variant<Request, Result, NoRequest> read_request(std::span<const std::uint8_t> bytes);

/// What every response says besides.
struct Reply {
  std::uint32_t lifetime = 0;  ///< seconds: of the mapping, or of the error
  std::uint32_t epoch = 0;     ///< seconds since the server lost its state (section 8.5)
};

/// Where a response is written: `longest_message` bytes. All writers return the part that they have filled.
using Room = std::span<std::uint8_t, longest_message>;

/// An error: the request as it came, with the header's fields set (section 8.2). `request` has two bytes or
/// more. In version 2 also to another version, which NAT-PMP reads as its own error (RFC 6886 section 3.5).
[[nodiscard]] std::span<const std::uint8_t> write_error(std::span<const std::uint8_t> request, Result result,
                                                        const Reply& reply, Room room);
/// To ANNOUNCE; also the announcement that nobody asked for (section 14.1).
[[nodiscard]] std::span<const std::uint8_t> write_announce(std::uint32_t epoch, Room room);
/// To MAP: the request with what was given it, and the options that were heeded.
[[nodiscard]] std::span<const std::uint8_t> write_map(const MapRequest& request,
                                                      const net::Endpoint& external, const Reply& reply,
                                                      Room room);

}  // namespace rgw::pcp
