#include "realmgw/alg/stream_editor.hpp"

#include <algorithm>

namespace rgw::alg {
namespace {

using Flag = TcpSegment::Flag;

constexpr std::size_t smallest_mss = 64;

/// The offset that a sequence number means, which lies within 2^31 of `near`.
std::uint64_t unwrap(std::uint32_t number, std::uint32_t first, std::uint64_t near) {
  const auto difference = static_cast<std::int32_t>(number - (first + static_cast<std::uint32_t>(near)));
  const auto offset = static_cast<std::int64_t>(near) + difference;
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

std::uint32_t number(std::uint64_t offset, std::uint32_t first) {
  return first + static_cast<std::uint32_t>(offset);
}

}  // namespace

StreamEditor::StreamEditor(Inspector& inspector, const Limits& limits)
    : inspector_{inspector}, limits_{limits}, directions_{Direction{limits}, Direction{limits}} {}

// A SYN may meet a former connection of the same ends, in TIME-WAIT, say. The other end then acknowledges
// what that one had, and a RST with the same number answers (RFC 9293 section 3.10.7.3), which makes room for
// the SYN when it is repeated. Both numbers are the former connection's, so they pass as they are.
bool StreamEditor::of_former_connection(const Direction& here, const Direction& there,
                                        const TcpSegment& segment) {
  if (segment.has(Flag::syn)) return false;
  const auto waits = [](const Direction& opener) { return opener.known && opener.acked == 0; };
  if (waits(there) && !here.known) return segment.has(Flag::ack_flag) && segment.ack != there.first + 1;
  return waits(here) && !there.known && segment.has(Flag::rst);
}

std::vector<StreamEditor::Output> StreamEditor::on_segment(Side from, const TcpSegment& segment,
                                                           Instant now) {
  std::vector<Output> outputs;
  Direction& here = at(from);
  Direction& there = at(other(from));

  if (of_former_connection(here, there, segment)) {
    outputs.push_back({other(from), segment});
    outputs.back().segment.payload.clear();
    return outputs;
  }
  if (segment.has(Flag::syn) && (!here.known || segment.seq != here.first)) {
    here = Direction{limits_};
    here.known = true;
    here.first = segment.seq;
    here.acked = 0;
  } else if (!here.known) {
    here.known = true;
    here.first = segment.seq - 1;
    here.acked = 1;
  }
  here.source_port = segment.source_port;
  here.destination_port = segment.destination_port;
  here.window = segment.window;
  if (const auto option = find_option(segment.options, option_mss); option && option->length == 2) {
    const std::size_t mss = load32(segment.options, option->at - 2) & 0xffff;
    here.mss = std::max(mss, smallest_mss);
  }
  if (const auto option = find_option(segment.options, option_timestamps); option && option->length == 8)
    here.timestamp = load32(segment.options, option->at);

  TcpSegment head = segment;
  head.payload.clear();
  if (segment.has(Flag::ack_flag) && there.known) {
    acknowledge(there, segment.ack, now);
    if (may_vouch(there)) there.vouched = there.held.end();
    // An acknowledgement that was overtaken says what the newest said: old edits may be forgotten.
    const auto told = there.log.to_in(std::max(unwrap(segment.ack, there.first, there.acked), there.acked));
    head.ack = number(std::max(told, there.vouched), there.first);
    here.ack = head.ack;
    rewrite_sack(there, head.options);
  }

  // Data in a SYN (RFC 7413) stays behind: the receiver acknowledges the SYN alone, and the sender repeats
  // it.
  if (segment.has(Flag::syn)) {
    outputs.push_back({other(from), std::move(head)});
    return outputs;
  }

  const std::uint64_t offset = unwrap(segment.seq, here.first, here.held.end());
  const std::string_view payload = segment.payload;
  const std::uint64_t end = offset + payload.size();

  if (segment.has(Flag::rst)) {
    head.seq = number(here.log.to_out(std::min(offset, here.held.begin())), here.first);
    outputs.push_back({other(from), std::move(head)});
    return outputs;
  }
  if (segment.has(Flag::fin)) here.held.accept_fin(end);

  // What has gone on before goes on once more, the same, unless the receiver has it. Then a bare segment
  // below its window makes it say so again (RFC 9293 section 3.10.7.4), which is also what a keep-alive
  // wants.
  Chunk chunk{here.log.to_out(std::min(offset, here.held.begin())), {}};
  if (offset < here.held.begin()) {
    const std::uint64_t from_in = std::max(offset, here.log.to_in(here.acked));
    const std::uint64_t known_end = std::min(end, here.held.begin());
    if (from_in < known_end) {
      auto [out, bytes] = here.log.render(from_in, payload.substr(from_in - offset, known_end - from_in));
      chunk = {out, std::move(bytes)};
    } else if (here.acked != 0 && end < here.held.begin()) {
      chunk.out = here.acked - 1;
    }
  }

  const std::uint64_t before = here.held.end();
  here.held.accept(offset, payload);
  const bool owned = here.held.begin() < here.vouched;
  Chunk fresh = decide(from, now);
  if (owned) here.owned.add(fresh, now);

  std::uint8_t last_flags = head.flags & Flag::psh;
  const bool fin_again = segment.has(Flag::fin) && here.held.gone_fin() == end;
  if (fin_again || here.held.take_fin()) {
    last_flags |= Flag::fin;
    if (chunk.bytes.empty() && fresh.bytes.empty()) chunk.out = here.log.to_out(*here.held.gone_fin());
  }

  if (chunk.bytes.empty() || chunk.out + chunk.bytes.size() == fresh.out) {
    if (!fresh.bytes.empty() && chunk.bytes.empty()) chunk.out = fresh.out;
    chunk.bytes += fresh.bytes;
    emit(from, std::move(head), std::move(chunk), last_flags, outputs);
  } else if (fresh.bytes.empty()) {
    emit(from, std::move(head), std::move(chunk), last_flags, outputs);
  } else {
    emit(from, head, std::move(chunk), 0, outputs);
    emit(from, std::move(head), std::move(fresh), last_flags, outputs);
  }
  if (finished_ || there.stalled) resume_other(from, now, outputs);
  if (!here.held.empty() && (here.held.end() > before || !payload.empty())) vouch(from, outputs);
  return outputs;
}

/// What of the held bytes may go on now.
Chunk StreamEditor::decide(Side from, Instant now) {
  Direction& direction = at(from);
  Chunk chunk{direction.log.to_out(direction.held.begin()), {}};
  direction.stalled = false;
  while (!direction.held.empty()) {
    if (direction.log.in_flight(direction.acked) >= limits_.edits) {
      direction.stalled = true;
      break;
    }
    Decision decision;
    if (!finished_) {
      decision = inspector_.on_bytes(from, direction.held.bytes(), now);
      finished_ = decision.finished;
      if (!well_formed(decision, direction.held.bytes().size()) ||
          (decision.decided == 0 && direction.held.bytes().size() >= limits_.window)) {
        decision = {};
        finished_ = gave_up_ = true;
      }
    }
    if (decision.decided == 0 && (finished_ || direction.held.is_complete()))
      decision.decided = direction.held.bytes().size();
    if (decision.decided == 0) break;
    pass(direction, decision, chunk.bytes);
  }
  return chunk;
}

void StreamEditor::pass(Direction& direction, const Decision& decision, std::string& out) {
  out += edited(decision, direction.held.bytes());
  for (const Edit& edit : decision.edits)
    direction.log.add(direction.held.begin() + edit.at, edit.length, edit.text);
  direction.held.remove(decision.decided);
}

/// The receiver of that direction acknowledged up to `ack`.
void StreamEditor::acknowledge(Direction& direction, std::uint32_t ack, Instant now) {
  const std::uint64_t out = unwrap(ack, direction.first, direction.acked);
  if (out <= direction.acked || out > direction.log.to_out(direction.held.begin())) return;
  direction.acked = out;
  direction.log.acknowledged(out);
  direction.owned.acknowledged(out, now);
}

/// What blocks remain come first; what is left of the option becomes padding (RFC 2018 section 3, RFC
/// 9293 3.2).
void StreamEditor::rewrite_sack(const Direction& acknowledged, std::string& options) const {
  const auto option = find_option(options, option_sack);
  if (!option || option->length % 8 != 0) return;
  std::string blocks;
  for (std::size_t i = 0; i < option->length; i += 8) {
    const auto offset = [&](std::size_t place) {
      return unwrap(load32(options, option->at + i + place), acknowledged.first, acknowledged.acked);
    };
    const std::uint64_t left = acknowledged.log.to_in(offset(0), true);
    const std::uint64_t right = acknowledged.log.to_in(offset(4));
    if (left >= right) continue;
    std::string block(8, '\0');
    store32(block, 0, number(left, acknowledged.first));
    store32(block, 4, number(right, acknowledged.first));
    blocks += block;
  }
  std::string replaced;
  if (!blocks.empty()) {
    replaced = {static_cast<char>(option_sack), static_cast<char>(blocks.size() + 2)};
    replaced += blocks;
  }
  replaced.resize(option->length + 2, '\1');
  options.replace(option->at - 2, option->length + 2, replaced);
}

/// An acknowledgement covers all that came before: either the receiver has it, or the editor repeats it.
bool StreamEditor::may_vouch(const Direction& direction) const {
  if (direction.held.empty() || direction.owned.size() + direction.held.bytes().size() > limits_.window)
    return false;
  const std::uint64_t gone = direction.log.to_out(direction.held.begin());
  return direction.acked >= gone || direction.owned.cover(direction.acked, gone);
}

/// Acknowledges what is held in the name of the receiver.
void StreamEditor::vouch(Side from, std::vector<Output>& outputs) {
  Direction& here = at(from);
  const Direction& there = at(other(from));
  if (!there.known || !may_vouch(here)) return;
  here.vouched = here.held.end();
  TcpSegment ack = in_the_name_of(there, here);
  ack.ack = number(here.vouched, here.first);
  outputs.push_back({from, std::move(ack)});
}

/// A bare acknowledgement from `sender` to `receiver`, at the end of what has gone that way.
TcpSegment StreamEditor::in_the_name_of(const Direction& sender, const Direction& receiver) const {
  TcpSegment segment;
  segment.source_port = sender.source_port;
  segment.destination_port = sender.destination_port;
  segment.seq = number(sender.log.to_out(sender.held.begin()), sender.first);
  segment.ack = sender.ack;
  segment.flags = Flag::ack_flag;
  segment.window = sender.window;
  if (sender.timestamp && receiver.timestamp) {
    segment.options = {1, 1, static_cast<char>(option_timestamps), 10};
    segment.options.resize(12);
    store32(segment.options, 4, *sender.timestamp);
    store32(segment.options, 8, *receiver.timestamp);
  }
  return segment;
}

/// Cuts the bytes for the receiver. `last_flags` go on the last segment; urgency and CWR stay on the first.
void StreamEditor::emit(Side from, TcpSegment head, Chunk chunk, std::uint8_t last_flags,
                        std::vector<Output>& outputs) {
  const Direction& here = at(from);
  // The MSS does not count options (RFC 6691).
  const std::size_t mss = at(other(from)).mss;
  const std::size_t room =
      mss > head.options.size() + smallest_mss ? mss - head.options.size() : smallest_mss;

  const auto base = static_cast<std::uint8_t>(head.flags & ~(Flag::psh | Flag::fin));
  if (head.has(Flag::urg)) {
    const std::uint64_t urgent = unwrap(head.seq + head.urgent, here.first, here.held.end());
    const std::uint64_t out = here.log.to_out(std::min(urgent, here.held.begin()));
    head.urgent = static_cast<std::uint16_t>(std::min<std::uint64_t>(out - std::min(out, chunk.out), 0xffff));
  }
  std::size_t sent = 0;
  do {
    TcpSegment segment = head;
    segment.payload = chunk.bytes.substr(sent, room);
    segment.seq = number(chunk.out + sent, here.first);
    segment.flags = base;
    if (sent != 0) segment.flags &= static_cast<std::uint8_t>(~(Flag::urg | Flag::cwr));
    if (!(segment.flags & Flag::urg)) segment.urgent = 0;
    sent += segment.payload.size();
    if (sent == chunk.bytes.size()) segment.flags |= last_flags;
    outputs.push_back({other(from), std::move(segment)});
  } while (sent < chunk.bytes.size());
}

/// Bytes of the other way go on: the inspector has finished, or an acknowledgement made room for edits.
void StreamEditor::resume_other(Side from, Instant now, std::vector<Output>& outputs) {
  Direction& there = at(other(from));
  if (there.held.empty()) return;
  Chunk chunk = decide(other(from), now);
  if (chunk.bytes.empty()) return;
  there.owned.add(chunk, now);
  const std::uint8_t last_flags = Flag::psh | (there.held.take_fin() ? Flag::fin : 0);
  emit(other(from), in_the_name_of(there, at(from)), std::move(chunk), last_flags, outputs);
}

std::vector<StreamEditor::Output> StreamEditor::on_time(Instant now) {
  std::vector<Output> outputs;
  for (const Side from : {Side::inside, Side::outside}) {
    Direction& here = at(from);
    if (const Chunk* chunk = here.owned.due(now))
      emit(from, in_the_name_of(here, at(other(from))), *chunk, Flag::psh, outputs);
  }
  return outputs;
}

std::optional<Instant> StreamEditor::next_time() const {
  std::optional<Instant> next;
  for (const Direction& direction : directions_) {
    const auto repeat = direction.owned.next_time();
    if (repeat && (!next || *repeat < *next)) next = repeat;
  }
  return next;
}

SequenceMap StreamEditor::map(Side from) const {
  return at(from).log.map(at(from).first);
}

bool StreamEditor::at_rest() const {
  return finished_ && std::all_of(directions_.begin(), directions_.end(), [](const Direction& direction) {
           return direction.held.memory() == 0 && direction.owned.empty() &&
                  direction.log.in_flight(direction.acked) == 0;
         });
}

std::size_t StreamEditor::memory() const {
  std::size_t bytes = 0;
  for (const Direction& direction : directions_) bytes += direction.held.memory() + direction.owned.size();
  return bytes;
}

}  // namespace rgw::alg
