// An answer as it is kept: records in wire form that stand behind any question of the same name, letters'
// case and all, with the places of their TTLs. Answering out of the cache is a copy and a countdown.
#pragma once

#include "realmgw/dns/message_writer.hpp"
#include "realmgw/dns/response.hpp"
#include "realmgw/dns/types.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rgw::dns {

/// What every asker gets, whoever owns the bytes.
struct AnswerHead {
  Rcode rcode = Rcode::noerror;
  bool authentic = false;
  bool synthesised = false;
  bool has_data = false;  ///< records of the type that was asked for
  std::optional<ExtendedError> error;
  std::array<std::uint16_t, 3> counts{};  ///< of records, by section
};

/// RFC 8767 section 4.
inline constexpr std::uint32_t stale_ttl = 30;

/// An answer that lies in a cache or in an `EncodedAnswer`.
struct AnswerView {
  AnswerHead head;
  std::span<const std::uint8_t> records;  ///< as they follow header and question
  std::span<const std::uint8_t> places;   ///< of the TTLs in `records`, two bytes each, highest first
  std::uint32_t age = 0;                  ///< seconds, to be taken from each TTL
  bool stale = false;                     ///< each TTL is `stale_ttl`
};

/// An answer that owns its bytes.
struct EncodedAnswer {
  AnswerHead head;
  std::vector<std::uint8_t> records;
  std::vector<std::uint8_t> places;

  [[nodiscard]] AnswerView view() const { return {head, records, places}; }
};

/// Makes an answer of a response to `question`. A response of more than 64 KiB becomes a failure.
[[nodiscard]] EncodedAnswer encode(const Response& response, const Question& question);
/// The response that a view was made of, its TTLs counted down.
[[nodiscard]] Response decode(const AnswerView& answer, const Question& question);

/// How the answer to one asker differs from that to another.
struct AnswerFraming {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;  ///< RD, RA, AD, CD
  const OptRecord* opt = nullptr;
};
/// Writes a whole message into `room`. Where the records do not fit they are left out, and TC says so.
struct WrittenAnswer {
  std::span<const std::uint8_t> bytes;
  bool truncated = false;
};
[[nodiscard]] WrittenAnswer write_answer(const AnswerView& answer, const Question& question,
                                         const AnswerFraming& framing, std::span<std::uint8_t> room);

}  // namespace rgw::dns
