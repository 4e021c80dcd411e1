// Reading and writing ARP (RFC 826) and neighbour discovery (RFC 4861).
//   ARP: request, reply; every field that may lie; a frame cut short at every length
//   ND:  solicitation, advertisement with and without its option, duplicate address detection; hop limit,
//   code,
//        checksum, target, options of length zero and beyond the end; a frame cut short at every length
//   our own questions read back as what they say
#include "realmgw/control/neighbour_message.hpp"

#include "unit/control/support.hpp"
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;

std::optional<NeighbourMessage> message(const Frame& frame) {
  const auto reading = read_neighbour_message(frame);
  const auto* found = std::get_if<NeighbourMessage>(&reading);
  return found != nullptr ? std::optional{*found} : std::nullopt;
}

/// The counter under which a frame is refused; nothing where it is taken, or is no such message.
std::optional<Counter> refusal(const Frame& frame) {
  const auto reading = read_neighbour_message(frame);
  const auto* verdict = std::get_if<Verdict>(&reading);
  return verdict != nullptr && !verdict->passed() ? std::optional{verdict->counter()} : std::nullopt;
}

TEST(ArpTest, a_request_tells_who_asks_for_whom) {
  const auto read = message(arp(1, peer_mac, "10.0.0.42", "10.0.0.1"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, NeighbourMessage::Kind::request);
  EXPECT_EQ(read->sender, ip("10.0.0.42"));
  EXPECT_EQ(read->target, ip("10.0.0.1"));
  EXPECT_EQ(read->mac, peer_mac);
}

TEST(ArpTest, a_reply_to_our_mac_is_an_answer_and_a_broadcast_one_is_not) {
  const auto answer = message(arp(2, peer_mac, "10.0.0.42", "10.0.0.1", own_inside_mac));
  const auto gratuitous = message(arp(2, peer_mac, "10.0.0.42", "10.0.0.42"));
  ASSERT_TRUE(answer && gratuitous);
  EXPECT_EQ(answer->kind, NeighbourMessage::Kind::reply);
  EXPECT_TRUE(answer->solicited);
  EXPECT_FALSE(gratuitous->solicited);
}

TEST(ArpTest, a_packet_of_other_hardware_protocol_lengths_or_operation_is_refused) {
  const auto with = [](std::size_t at, std::uint8_t value) {
    Frame frame = arp(1, peer_mac, "10.0.0.42", "10.0.0.1");
    frame[at] = value;
    return refusal(frame);
  };
  for (const auto& [at, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{
           {15, 6}, {16, 0x86}, {18, 8}, {19, 16}, {21, 0}, {21, 3}}) {
    EXPECT_EQ(with(at, value), Counter::arp_malformed) << "byte " << at;
  }
}

TEST(ArpTest, a_sender_mac_of_a_group_or_of_nobody_is_refused) {
  EXPECT_EQ(refusal(arp(2, net::MacAddress::broadcast(), "10.0.0.42", "10.0.0.1")), Counter::arp_malformed);
  EXPECT_EQ(refusal(arp(2, net::MacAddress{}, "10.0.0.42", "10.0.0.1")), Counter::arp_malformed);
}

TEST(ArpTest, a_frame_cut_short_is_refused_at_every_length) {
  const Frame whole = arp(1, peer_mac, "10.0.0.42", "10.0.0.1");
  for (std::size_t size = 14; size < 42; ++size) {
    EXPECT_EQ(refusal(Frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
              Counter::arp_malformed);
  }
}

TEST(NeighbourDiscoveryTest, an_advertisement_tells_its_target_and_flags) {
  const auto read = message(nd({.options = link_layer_option(2, peer_mac)}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, NeighbourMessage::Kind::reply);
  EXPECT_EQ(read->sender, ip("fd00:10::42"));
  EXPECT_EQ(read->mac, peer_mac);
  EXPECT_TRUE(read->solicited);
  EXPECT_TRUE(read->overriding);
}

// RFC 4861 section 4.4: the option may be left out of an answer to a unicast question.
TEST(NeighbourDiscoveryTest, an_advertisement_without_its_option_tells_no_mac) {
  const auto read = message(nd({}));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->mac);
}

TEST(NeighbourDiscoveryTest, a_solicitation_tells_who_asks_and_from_where) {
  const auto read =
      message(nd({.type = 135, .target = "fd00:10::1", .options = link_layer_option(1, peer_mac)}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, NeighbourMessage::Kind::request);
  EXPECT_EQ(read->sender, ip("fd00:10::42"));
  EXPECT_EQ(read->target, ip("fd00:10::1"));
  EXPECT_EQ(read->mac, peer_mac);
}

// RFC 4861 section 7.1.1.
TEST(NeighbourDiscoveryTest, a_probe_for_duplicates_goes_to_the_solicited_node_group_and_carries_no_mac) {
  const Nd probe{.type = 135, .source = "::", .destination = "ff02::1:ff00:1", .target = "fd00:10::1"};
  EXPECT_TRUE(message(nd(probe)));
  Nd to_a_station = probe;
  to_a_station.destination = "fd00:10::1";
  EXPECT_EQ(refusal(nd(to_a_station)), Counter::nd_malformed);
  Nd with_mac = probe;
  with_mac.options = link_layer_option(1, peer_mac);
  EXPECT_EQ(refusal(nd(with_mac)), Counter::nd_malformed);
}

// RFC 4861 sections 7.1.1 and 7.1.2.
TEST(NeighbourDiscoveryTest, a_message_that_fails_a_validity_check_is_refused) {
  EXPECT_EQ(refusal(nd({.hop_limit = 254})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.code = 1})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.checksum_error = 1})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.target = "ff02::1"})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.source = "ff02::1"})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.destination = "ff02::1"})), Counter::nd_malformed)
      << "solicited, and yet to a group";
  EXPECT_EQ(refusal(nd({.options = link_layer_option(2, net::MacAddress::broadcast())})),
            Counter::nd_malformed);
}

TEST(NeighbourDiscoveryTest, options_of_length_zero_or_beyond_the_end_are_refused) {
  EXPECT_EQ(refusal(nd({.options = {2, 0, 0, 0, 0, 0, 0, 0}})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.options = {2, 2, 0, 0, 0, 0, 0, 0}})), Counter::nd_malformed);
  EXPECT_EQ(refusal(nd({.options = {14, 1, 0, 0, 0, 0, 0, 0, 2, 0}})), Counter::nd_malformed);
}

TEST(NeighbourDiscoveryTest, an_unknown_option_is_passed_over) {
  std::vector<std::uint8_t> options(16, 0);
  options[0] = 14;  // a nonce, of two units
  options[1] = 2;
  const auto mac = link_layer_option(2, peer_mac);
  options.insert(options.end(), mac.begin(), mac.end());
  const auto read = message(nd({.options = options}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mac, peer_mac);
}

TEST(NeighbourDiscoveryTest, a_frame_cut_short_is_never_taken) {
  const Frame whole = nd({.options = link_layer_option(2, peer_mac)});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(message(Frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
}

TEST(NeighbourDiscoveryTest, other_messages_are_left_alone) {
  for (const int type : {128, 133, 134, 137}) {
    const Frame frame = nd({.type = static_cast<std::uint8_t>(type)});
    EXPECT_FALSE(message(frame));
    EXPECT_FALSE(refusal(frame));
  }
}

TEST(NeighbourRequestTest, our_question_is_one_that_we_would_answer) {
  for (const auto& [own, target] :
       {std::pair{"10.0.0.1", "10.0.0.42"}, std::pair{"fd00:10::1", "fd00:10::42"}}) {
    const auto frame = neighbour_request(own_inside_mac, ip(own), ip(target));
    const auto read = message(Frame(frame.bytes().begin(), frame.bytes().end()));
    ASSERT_TRUE(read) << target;
    EXPECT_EQ(read->kind, NeighbourMessage::Kind::request);
    EXPECT_EQ(read->sender, ip(own));
    EXPECT_EQ(read->target, ip(target));
    EXPECT_EQ(read->mac, own_inside_mac);
  }
}

TEST(NeighbourRequestTest, a_known_neighbour_is_asked_alone) {
  for (const auto& [own, target] :
       {std::pair{"10.0.0.1", "10.0.0.42"}, std::pair{"fd00:10::1", "fd00:10::42"}}) {
    const auto to_all = neighbour_request(own_inside_mac, ip(own), ip(target));
    const auto to_one = neighbour_request(own_inside_mac, ip(own), ip(target), peer_mac);
    EXPECT_NE(to_all.bytes()[0] & 1, 0);
    EXPECT_TRUE(std::equal(peer_mac.bytes.begin(), peer_mac.bytes.end(), to_one.bytes().begin()));
    EXPECT_TRUE(message(Frame(to_one.bytes().begin(), to_one.bytes().end())));
  }
}

}  // namespace
}  // namespace rgw::control
