// Segments with any numbers, flags and options, in any order: no crash, bounded memory (ALG-1).
#include "realmgw/alg/stream_editor.hpp"

#include "realmgw/alg/ftp.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace rgw;
using namespace rgw::alg;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Replaces every 'e', and decides at each full stop.
class Letters final : public Inspector {
  Decision on_bytes(Side, std::string_view window, Instant) override {
    Decision decision;
    decision.decided = window.rfind('.') + 1;
    for (std::size_t i = 0; i < decision.decided; ++i) {
      if (window[i] == 'e') decision.edits.push_back({i, 1, i % 2 == 0 ? "" : "three"});
      if (window[i] == '!') decision.finished = true;
    }
    return decision;
  }
  void on_time(Instant) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Letters letters;
  StreamEditor::Limits limits{.window = 300, .edits = 8, .early_pieces = 8};
  StreamEditor editor{letters, limits};
  Instant now{std::chrono::seconds{1}};
  // A byte of side and time, the flags, two small steps of SEQ and ACK, the options' length, the payload's
  // length.
  for (std::size_t at = 0; at + 6 <= size;) {
    const std::uint8_t* head = data + at;
    at += 6;
    TcpSegment segment;
    segment.flags = head[1];
    segment.seq = 0xffffffc0u + head[2];
    segment.ack = 0xffffffc0u + head[3];
    segment.urgent = head[3];
    const std::size_t options = std::min<std::size_t>(head[4] % 41, size - at);
    segment.options.assign(reinterpret_cast<const char*>(data + at), options);
    at += options;
    const std::size_t payload = std::min<std::size_t>(head[5], size - at);
    segment.payload.assign(reinterpret_cast<const char*>(data + at), payload);
    at += payload;
    const Side from = (head[0] & 1) != 0 ? Side::outside : Side::inside;
    for (const auto& output : editor.on_segment(from, segment, now)) {
      const auto parsed = TcpSegment::parse(output.segment.bytes());
      require(parsed && parsed->payload == output.segment.payload);
    }
    now += std::chrono::milliseconds{(head[0] >> 1) * 10};
    (void)editor.on_time(now);
    require(editor.memory() <= 2 * 8 * limits.window);
    (void)editor.map(from).map_seq(segment.seq);
  }
  return 0;
}
