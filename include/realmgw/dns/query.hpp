// Reading a query. Everything in it is hostile until it is read here; nothing is allocated.
#pragma once

#include "realmgw/dns/client_subnet.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/server_cookies.hpp"
#include "realmgw/dns/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rgw::dns {

/// The COOKIE option of a query (RFC 7873 section 4).
struct Cookie {
  static constexpr std::size_t max_server_size = 32;
  ClientCookie client{};
  std::array<std::uint8_t, max_server_size> server{};
  std::uint8_t server_size = 0;  ///< 0: none was shown
};

/// What a query said about EDNS (RFC 6891), as far as an answer needs it.
struct Edns {
  bool present = false;
  bool wants_nsid = false;
  bool dnssec_ok = false;
  std::uint8_t version = 0;
  std::uint16_t udp_size = 0;  ///< as the client wrote it
  std::optional<Cookie> cookie{};
  std::optional<ClientSubnet> subnet{};
};

/// A message, as far as it could be read.
struct Query {
  enum class State : std::uint8_t {
    unreadable,    ///< shorter than a header: nobody to answer
    response,      ///< QR=1: never answered, or two servers would talk for ever
    other_opcode,  ///< no QUERY; only the header is read
    malformed,     ///< a header, but not what it promises: FORMERR
    good,
  };

  State state = State::unreadable;
  std::uint16_t id = 0;
  std::uint16_t flags = 0;    ///< the header's second word
  bool has_question = false;  ///< `question` and `question_class` were read
  Question question;
  std::uint16_t question_class = 0;
  Edns edns;

  [[nodiscard]] Opcode opcode() const { return static_cast<Opcode>(flags >> 11 & 0xf); }
};

/// Reads a message. Malformed are: any count of questions but one (RFC 9619), a compressed question name, a
/// record or an EDNS option that runs over its end, two OPT records or one that is not the root's (RFC 6891
/// sections 6.1.1, 6.1.2), a COOKIE option of a length that none has, or a second one (RFC 7873
/// section 5.2.2), a CLIENT-SUBNET option that `read_client_subnet` does not take, or a second one, and bytes
/// behind the last record. Records other than OPT are passed over unread.
[[nodiscard]] Query read_query(std::span<const std::uint8_t> message);

}  // namespace rgw::dns
