#include "realmgw/dns/answer.hpp"

#include <algorithm>

#include "wire_reader.hpp"

namespace rgw::dns {
namespace {

std::size_t place_at(std::span<const std::uint8_t> places, std::size_t index) {
  return std::size_t{places[2 * index]} << 8 | places[2 * index + 1];
}

/// Takes the answer's age from each TTL; none goes below zero.
void count_down(std::span<std::uint8_t> records, const AnswerView& answer) {
  if (answer.age == 0 && !answer.stale) return;
  for (std::size_t i = 0; i < answer.places.size() / 2; ++i) {
    const auto bytes = records.subspan(place_at(answer.places, i), 4);
    std::uint32_t ttl = 0;
    for (const std::uint8_t byte : bytes) ttl = ttl << 8 | byte;
    ttl = answer.stale ? stale_ttl : ttl - std::min(ttl, answer.age);
    for (std::size_t b = 4; b-- > 0; ttl >>= 8) bytes[b] = static_cast<std::uint8_t>(ttl);
  }
}

std::vector<std::uint8_t> ttl_places(std::span<const std::uint8_t> records) {
  std::vector<std::uint8_t> places;
  WireReader reader{records};
  while (!reader.at_end() && !reader.failed()) {
    reader.skip_name();
    reader.u32();  // type and class
    places.push_back(static_cast<std::uint8_t>(reader.at() >> 8));
    places.push_back(static_cast<std::uint8_t>(reader.at()));
    reader.u32();
    reader.take(reader.u16());
  }
  return places;
}

AnswerHead head_of(const Response& response, RrType type) {
  return {response.rcode, response.authentic, response.synthesised, response.has(type), response.error, {}};
}

}  // namespace

EncodedAnswer encode(const Response& response, const Question& question) {
  // Not on the stack: the control thread's is shared with whatever called it.
  thread_local std::array<std::uint8_t, tcp_size> room;
  MessageWriter writer{room};
  writer.begin(0);
  writer.question(question, class_in);
  EncodedAnswer encoded;
  encoded.head = head_of(response, question.type);
  for (const auto& record : response.records) {
    if (!writer.add(record.section, record.owner, record.type, record.ttl, record.rdata.view())) {
      return encode(Response::failure(ExtendedError::other), question);
    }
    ++encoded.head.counts[static_cast<std::size_t>(record.section)];
  }
  const auto message = writer.finish(Opcode::query, 0, Rcode::noerror, nullptr);
  const auto records = message.subspan(header_size + question.name.size() + 4);
  encoded.records.assign(records.begin(), records.end());
  encoded.places = ttl_places(records);
  return encoded;
}

Response decode(const AnswerView& answer, const Question& question) {
  thread_local std::array<std::uint8_t, tcp_size> room;
  // A failure has no records to read.
  if (answer.head.rcode == Rcode::servfail)
    return Response::failure(answer.head.error.value_or(ExtendedError::other));
  const auto written = write_answer(answer, question, {}, room);
  auto response =
      read_response(written.bytes, question, true).value_or(Response::failure(ExtendedError::other));
  response.authentic = answer.head.authentic;
  response.synthesised = answer.head.synthesised;
  response.error = answer.head.error;
  return response;
}

WrittenAnswer write_answer(const AnswerView& answer, const Question& question, const AnswerFraming& framing,
                           std::span<std::uint8_t> room) {
  MessageWriter writer{room};
  writer.begin(framing.id);
  writer.question(question, class_in);
  if (framing.opt != nullptr) writer.reserve(framing.opt->size());
  const auto records = writer.splice(answer.records, answer.head.counts);
  std::uint16_t flags = framing.flags;
  if (records) {
    count_down(*records, answer);
  } else {
    flags |= flag::tc;
  }
  return {writer.finish(Opcode::query, flags, answer.head.rcode, framing.opt), !records};
}

}  // namespace rgw::dns
