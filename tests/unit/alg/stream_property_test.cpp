// ALG-1, the property: whatever the network does to a dialogue (segmentation, loss, reordering, duplication),
// both ends receive the edited stream, byte for byte.
#include "realmgw/alg/stream_editor.hpp"
#include "realmgw/base/random.hpp"

#include "unit/alg/tokens.hpp"
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using Flag = TcpSegment::Flag;

/// One end of a TCP session: sends what is to be sent, repeats what is not acknowledged, collects what comes.
class End {
 public:
  End(std::string to_send, std::uint32_t isn, Random& random, bool nagle)
      : stream_{std::move(to_send)}, isn_{isn}, random_{random}, nagle_{nagle} {}

  void peer(std::uint32_t isn) { peer_isn_ = isn; }

  void receive(const TcpSegment& segment) {
    if (segment.has(Flag::syn)) return;
    const std::uint32_t acked = segment.ack - isn_ - 1;
    if (acked > acked_ && acked <= stream_.size() + 1) acked_ = acked;
    ASSERT_LE(acked, stream_.size() + 1) << "acknowledged what was never sent";
    const auto at = static_cast<std::int32_t>(segment.seq - peer_isn_ - 1);
    for (std::size_t i = 0; i < segment.payload.size(); ++i) {
      const auto place = static_cast<std::size_t>(at + static_cast<std::int32_t>(i));
      if (place < received_.size()) {
        ASSERT_EQ(received_[place], segment.payload[i]) << "other bytes than the first time, at " << place;
      } else {
        const auto [old, fresh] = early_.emplace(place, segment.payload[i]);
        ASSERT_TRUE(fresh || old->second == segment.payload[i]) << "at " << place;
      }
    }
    for (auto next = early_.find(received_.size()); next != early_.end();
         next = early_.find(received_.size())) {
      received_ += next->second;
      early_.erase(next);
    }
    if (segment.has(Flag::fin)) fin_at_ = static_cast<std::size_t>(at) + segment.payload.size();
  }

  /// Sends somewhere within what is not acknowledged; now and then from the beginning of it.
  TcpSegment send() {
    TcpSegment segment;
    std::uint32_t from = acked_;
    if (!nagle_ && sent_ > acked_ && random_.below(3) != 0) from = acked_ + random_.below(sent_ - acked_ + 1);
    from = std::min<std::uint32_t>(from, static_cast<std::uint32_t>(stream_.size()));
    std::uint32_t length = 1 + random_.below(nagle_ ? 4 : 40);
    if (nagle_ && sent_ > acked_) length = sent_ - acked_;  // the same again, nothing new
    segment.payload = stream_.substr(from, length);
    segment.seq = isn_ + 1 + from;
    segment.ack = peer_isn_ + 1 + static_cast<std::uint32_t>(received_.size()) + (done_receiving() ? 1 : 0);
    segment.flags = Flag::ack_flag;
    segment.window = 65535;
    if (from + segment.payload.size() == stream_.size()) segment.flags |= Flag::fin;
    sent_ = std::max(sent_, from + static_cast<std::uint32_t>(segment.payload.size()));
    return segment;
  }

  [[nodiscard]] bool done_receiving() const { return fin_at_ && *fin_at_ == received_.size(); }
  [[nodiscard]] bool done_sending() const { return acked_ == stream_.size() + 1; }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] std::uint32_t isn() const { return isn_; }

 private:
  std::string stream_;
  std::uint32_t isn_, peer_isn_ = 0;
  Random& random_;
  bool nagle_;
  std::uint32_t acked_ = 0, sent_ = 0;
  std::string received_;
  std::map<std::size_t, char> early_;
  std::optional<std::size_t> fin_at_;
};

std::string dialogue(Random& random) {
  static constexpr std::string_view parts[] = {"[a]", "[bb]", "[ccc]", "[unknown]", "plain text\r\n",
                                               "x",   "[",    "]"};
  std::string text;
  for (std::uint32_t i = random.below(60); i-- > 0;) text += parts[random.below(std::size(parts))];
  return text;
}

void run(std::uint64_t seed) {
  Random random{seed};
  const bool nagle = random.below(3) == 0;
  test::Tokens tokens{{{"a", "grown by much"}, {"bb", ""}, {"ccc", "c"}}};
  test::Tokens reference = tokens;
  StreamEditor editor{tokens};
  const std::string texts[2] = {dialogue(random), dialogue(random)};
  End ends[2] = {{texts[0], static_cast<std::uint32_t>(0xffffffff - random.below(200)), random, nagle},
                 {texts[1], random.below(1000), random, false}};
  ends[0].peer(ends[1].isn());
  ends[1].peer(ends[0].isn());

  struct Travelling {
    Side towards;
    bool to_editor;
    TcpSegment segment;
  };
  std::vector<Travelling> network;
  Instant now{1000s};
  for (const Side side : {Side::inside, Side::outside}) {
    TcpSegment syn;
    syn.seq = ends[static_cast<int>(side)].isn();
    syn.flags = Flag::syn;
    syn.options = {2, 4, 0, 100};
    (void)editor.on_segment(side, syn, now);
  }

  for (unsigned turn = 0; turn < 20000; ++turn) {
    now += 20ms;
    for (const Side side : {Side::inside, Side::outside}) {
      if (random.below(4) == 0) network.push_back({other(side), true, ends[static_cast<int>(side)].send()});
    }
    for (auto& output : editor.on_time(now))
      network.push_back({output.towards, false, std::move(output.segment)});
    if (network.empty()) continue;
    const std::size_t pick = random.below(static_cast<std::uint32_t>(network.size()));
    const Travelling travelling = network[pick];
    if (random.below(8) != 0) {  // else it is duplicated
      network.erase(network.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    if (random.below(6) == 0) continue;  // lost
    if (travelling.to_editor) {
      for (auto& output : editor.on_segment(other(travelling.towards), travelling.segment, now))
        network.push_back({output.towards, false, std::move(output.segment)});
    } else {
      ends[static_cast<int>(travelling.towards)].receive(travelling.segment);
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
    }
    if (network.size() > 60) network.erase(network.begin(), network.begin() + 20);
    if (ends[0].done_receiving() && ends[1].done_receiving() && ends[0].done_sending() &&
        ends[1].done_sending())
      break;
  }
  // What has no end passes as it is, at the FIN.
  const auto expected = [&](const std::string& text) {
    const Decision decision = reference.on_bytes(Side::inside, text, {});
    return alg::edited(decision, text) + text.substr(decision.decided);
  };
  EXPECT_EQ(ends[1].received(), expected(texts[0])) << "seed " << seed;
  EXPECT_EQ(ends[0].received(), expected(texts[1])) << "seed " << seed;
  EXPECT_TRUE(ends[0].done_sending() && ends[1].done_sending()) << "seed " << seed;
  EXPECT_EQ(editor.memory(), 0u) << "seed " << seed;
  EXPECT_FALSE(editor.gave_up());
}

TEST(StreamEditorProperty, both_ends_receive_the_edited_stream_whatever_the_network_does) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    run(seed);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace rgw::alg
