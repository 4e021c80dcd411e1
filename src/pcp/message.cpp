#include "realmgw/pcp/message.hpp"

#include "realmgw/base/endian.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace rgw::pcp {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Section 7.1 and 7.2: where the fields of the header lie.
constexpr std::size_t header_size = 24, opcode_at = 1, reserved_at = 2, result_at = 3, lifetime_at = 4,
                      client_at = 8, epoch_at = 8, reserved_tail_at = 12;
using Tail = std::array<std::uint8_t, header_size - reserved_tail_at>;
constexpr std::uint8_t response_bit = 0x80;
// Section 11.1, from the end of the header on.
constexpr std::size_t map_size = 36, protocol_at = 12, internal_port_at = 16, external_port_at = 18,
                      external_address_at = 20;
// Section 7.3.
constexpr std::size_t option_header_size = 4;
constexpr std::uint8_t first_optional_option = 128;
enum class Option : std::uint8_t { third_party = 1, prefer_failure = 2, filter = 3 };

template <class Field>
Field load(Bytes bytes, std::size_t at) {
  Field field;
  std::memcpy(&field, bytes.data() + at, sizeof field);
  return field;
}
template <class Field>
void store(std::span<std::uint8_t> bytes, std::size_t at, Field field) {
  std::memcpy(bytes.data() + at, &field, sizeof field);
}

// Section 5: an IPv4 address is a mapped one of IPv6.
constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

net::IpAddress load_address(Bytes bytes, std::size_t at) {
  if (std::equal(mapped.begin(), mapped.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at)))
    return net::Ipv4Address{load<be32>(bytes, at + mapped.size())};
  return net::Ipv6Address::from_bytes(bytes.data() + at);
}
void store_address(std::span<std::uint8_t> bytes, std::size_t at, const net::IpAddress& address) {
  if (address.is_v4()) {
    store(bytes, at, mapped);
    at += mapped.size();
  }
  std::memcpy(bytes.data() + at, address.data(), address.size());
}

// Section 7.3; what is wrong with them, if anything. `map`: to whom they belong, unless it is another
// opcode's.
std::optional<Result> read_options(Bytes bytes, MapRequest* map) {
  while (!bytes.empty()) {
    if (bytes.size() < option_header_size) return Result::malformed_option;
    const std::uint8_t code = bytes[0];
    const std::size_t length = load<be16>(bytes, 2).host();
    const std::size_t padded = (length + 3) / 4 * 4;
    if (padded > bytes.size() - option_header_size) return Result::malformed_option;
    if (code == static_cast<std::uint8_t>(Option::prefer_failure) && map != nullptr) {
      if (length != 0 || map->prefer_failure) return Result::malformed_option;
      map->prefer_failure = true;
    } else if (code < first_optional_option) {
      return Result::unsupp_option;
    }
    bytes = bytes.subspan(option_header_size + padded);
  }
  return std::nullopt;
}

MapRequest read_map(Bytes payload) {
  MapRequest map;
  map.nonce = load<Nonce>(payload, 0);
  map.protocol = payload[protocol_at];
  map.internal_port = load<be16>(payload, internal_port_at).host();
  map.suggested = {load_address(payload, external_address_at), load<be16>(payload, external_port_at).host()};
  return map;
}

void write_header(Room room, std::uint8_t opcode, Result result, const Reply& reply) {
  room[0] = version;
  room[opcode_at] = response_bit | opcode;
  room[reserved_at] = 0;
  room[result_at] = static_cast<std::uint8_t>(result);
  store(room, lifetime_at, be32{reply.lifetime});
  store(room, epoch_at, be32{reply.epoch});
  std::fill(room.begin() + reserved_tail_at, room.begin() + header_size, std::uint8_t{0});
}

// Was the request understood before the error came up?
bool is_parsed(Result result) {
  switch (result) {
    case Result::unsupp_version:
    case Result::malformed_request:
    case Result::unsupp_opcode:
    case Result::unsupp_option:
    case Result::malformed_option:
      return false;
    default:
      return true;
  }
}

}  // namespace

std::uint32_t error_lifetime(Result result) {
  constexpr std::uint32_t short_lifetime = 30, long_lifetime = 30 * 60;
  switch (result) {
    case Result::network_failure:
    case Result::no_resources:
    case Result::user_ex_quota:
    case Result::cannot_provide_external:
      return short_lifetime;
    default:
      return long_lifetime;
  }
}

std::variant<Request, Result, NoRequest> read_request(Bytes bytes) {
  if (bytes.size() < 2 || (bytes[opcode_at] & response_bit) != 0) return NoRequest{};
  if (bytes[0] != version) return Result::unsupp_version;
  if (bytes.size() < header_size) return NoRequest{};  // section 8.2: in silence
  if (bytes.size() > longest_message || bytes.size() % 4 != 0) return Result::malformed_request;
  Request request;
  request.lifetime = load<be32>(bytes, lifetime_at).host();
  request.client = load_address(bytes, client_at);
  const Bytes payload = bytes.subspan(header_size);
  std::optional<Result> error;
  switch (static_cast<Opcode>(bytes[opcode_at])) {
    case Opcode::announce:
      error = read_options(payload, nullptr);
      break;
    case Opcode::map: {
      if (payload.size() < map_size) return Result::malformed_request;
      MapRequest map = read_map(payload);
      error = read_options(payload.subspan(map_size), &map);
      // Section 13.2: who insists says on which port. Section 15.1: of a deletion the port is not looked at.
      if (!error && map.prefer_failure && map.suggested.port == 0 && request.lifetime != 0)
        error = Result::malformed_option;
      request.what = map;
      break;
    }
    default:
      return Result::unsupp_opcode;
  }
  if (error) return *error;
  return request;
}

std::span<const std::uint8_t> write_error(Bytes request, Result result, const Reply& reply, Room room) {
  const std::size_t copied = std::min(request.size(), room.size());
  const auto written = room.first(std::max(header_size, (copied + 3) / 4 * 4));
  std::fill(std::copy_n(request.begin(), copied, written.begin()), written.end(), std::uint8_t{0});
  const Tail tail = load<Tail>(written, reserved_tail_at);
  write_header(room, request[opcode_at], result, reply);
  // Section 7.2: of what was not understood the rest of the client's address comes back.
  if (!is_parsed(result)) store(written, reserved_tail_at, tail);
  return written;
}

std::span<const std::uint8_t> write_announce(std::uint32_t epoch, Room room) {
  write_header(room, static_cast<std::uint8_t>(Opcode::announce), Result::success, {0, epoch});
  return room.first(header_size);
}

std::span<const std::uint8_t> write_map(const MapRequest& request, const net::Endpoint& external,
                                        const Reply& reply, Room room) {
  write_header(room, static_cast<std::uint8_t>(Opcode::map), Result::success, reply);
  const auto payload = room.subspan(header_size);
  std::fill_n(payload.begin(), map_size, std::uint8_t{0});
  store(payload, 0, request.nonce);
  payload[protocol_at] = request.protocol;
  store(payload, internal_port_at, be16{request.internal_port});
  store(payload, external_port_at, be16{external.port});
  store_address(payload, external_address_at, external.address);
  std::size_t size = header_size + map_size;
  if (request.prefer_failure) {
    store(room, size, be32{std::uint32_t{static_cast<std::uint8_t>(Option::prefer_failure)} << 24});
    size += option_header_size;
  }
  return room.first(size);
}

}  // namespace rgw::pcp
