#include "realmgw/dns/query.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

/// 8 bytes of the client's, and none or 8 to 32 of the server's.
bool read_cookie(std::span<const std::uint8_t> option, Edns& edns) {
  constexpr std::size_t client = std::tuple_size_v<ClientCookie>, least = 8;
  if (edns.cookie || option.size() < client) return false;
  const auto server = option.subspan(client);
  if (!server.empty() && (server.size() < least || server.size() > Cookie::max_server_size)) return false;
  Cookie& cookie = edns.cookie.emplace();
  std::ranges::copy(option.first(client), cookie.client.begin());
  if (!server.empty()) std::memcpy(cookie.server.data(), server.data(), server.size());
  cookie.server_size = static_cast<std::uint8_t>(server.size());
  return true;
}

bool read_options(std::span<const std::uint8_t> rdata, Edns& edns) {
  WireReader reader{rdata};
  while (!reader.at_end() && !reader.failed()) {
    const auto code = static_cast<EdnsOption>(reader.u16());
    const auto option = reader.take(reader.u16());
    if (code == EdnsOption::nsid) edns.wants_nsid = true;
    if (code == EdnsOption::client_subnet && !reader.failed()) {
      if (edns.subnet) return false;
      edns.subnet = read_client_subnet(option);
      if (!edns.subnet) return false;
    }
    if (code == EdnsOption::cookie && !reader.failed() && !read_cookie(option, edns)) return false;
  }
  return !reader.failed();
}

/// One record of the answer, authority or additional section. False where it cannot be read, or is an OPT
/// that may not be.
bool read_record(WireReader& reader, bool additional, Edns& edns) {
  const bool at_root = reader.skip_name();
  const auto type = static_cast<RrType>(reader.u16());
  const std::uint16_t klass = reader.u16();
  const std::uint8_t extended_rcode = reader.u8();
  const std::uint8_t version = reader.u8();
  const std::uint16_t flags = reader.u16();
  const auto rdata = reader.take(reader.u16());
  static_cast<void>(extended_rcode);  // means nothing in a query
  if (reader.failed()) return false;
  if (type != RrType::opt) return true;
  if (!additional || !at_root || edns.present) return false;
  edns.present = true;
  edns.udp_size = klass;
  edns.version = version;
  edns.dnssec_ok = (flags & 0x8000) != 0;
  // What the options of another version look like is not for us to say.
  return version != 0 || read_options(rdata, edns);
}

bool read_body(WireReader& reader, Query& query, std::size_t questions, std::size_t before_additional,
               std::size_t additional) {
  if (questions != 1) return false;
  const auto name = reader.name();
  query.question.type = static_cast<RrType>(reader.u16());
  query.question_class = reader.u16();
  if (!name || reader.failed()) return false;
  query.question.name = *name;
  query.has_question = true;
  for (std::size_t i = 0; i < before_additional; ++i) {
    if (!read_record(reader, false, query.edns)) return false;
  }
  for (std::size_t i = 0; i < additional; ++i) {
    if (!read_record(reader, true, query.edns)) return false;
  }
  return reader.at_end();
}

}  // namespace

Query read_query(std::span<const std::uint8_t> message) {
  Query query;
  if (message.size() < header_size) return query;
  WireReader reader{message};
  query.id = reader.u16();
  query.flags = reader.u16();
  const std::size_t questions = reader.u16();
  const std::size_t answers = reader.u16();
  const std::size_t authorities = reader.u16();
  const std::size_t additional = reader.u16();
  if ((query.flags & flag::qr) != 0) {
    query.state = Query::State::response;
  } else if (query.opcode() != Opcode::query) {
    query.state = Query::State::other_opcode;
  } else {
    // Each record takes 11 bytes at least, so the counts cannot make this longer than the message.
    const bool good = read_body(reader, query, questions, answers + authorities, additional);
    query.state = good ? Query::State::good : Query::State::malformed;
  }
  return query;
}

std::uint64_t hash(const Question& question) {
  std::uint64_t value = 0xcbf29ce484222325ULL;  // FNV-1a
  const auto mix = [&value](std::uint8_t byte) { value = (value ^ byte) * 0x100000001b3ULL; };
  for (const std::uint8_t byte : question.name.wire()) mix(to_lower(byte));
  mix(static_cast<std::uint8_t>(static_cast<std::uint16_t>(question.type) >> 8));
  mix(static_cast<std::uint8_t>(question.type));
  return value;
}

}  // namespace rgw::dns
