// What relays write before and into a query (DNS-5): the PROXY protocol's header, and XPF records.
#include "realmgw/dns/relay.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using State = ProxyHeader::State;
using Bytes = std::vector<std::uint8_t>;

net::Endpoint endpoint(const char* text) {
  return net::Endpoint::parse(text).value();
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Bytes signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
// 192.0.2.7 to 198.51.100.1, ports 4000 and 53; 2001:db8::7 to 2001:db8::1, the same ports.
const Bytes four{192, 0, 2, 7, 198, 51, 100, 1, 0x0f, 0xa0, 0, 53};
const Bytes six{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    7,    0x20, 0x01,
                0x0d, 0xb8, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x0f, 0xa0, 0,    53};

Bytes header(std::uint8_t version_command, std::uint8_t family_type, const Bytes& block) {
  const auto size = static_cast<std::uint16_t>(block.size());
  return signature +
         Bytes{version_command, family_type, static_cast<std::uint8_t>(size >> 8),
               static_cast<std::uint8_t>(size)} +
         block;
}

TEST(ProxyHeaderTest, the_sender_and_how_he_came_stand_in_it) {
  struct Case {
    std::uint8_t family_type;
    const Bytes& block;
    Sender sender;
  };
  for (const auto& [family_type, block, sender] :
       {Case{0x12, four, {endpoint("192.0.2.7:4000"), Transport::udp}},
        Case{0x11, four, {endpoint("192.0.2.7:4000"), Transport::tcp}},
        Case{0x22, six, {endpoint("[2001:db8::7]:4000"), Transport::udp}},
        Case{0x21, six, {endpoint("[2001:db8::7]:4000"), Transport::tcp}}}) {
    const Bytes whole = header(0x21, family_type, block);
    const auto read = read_proxy_header(whole + Bytes{'q'});
    EXPECT_EQ(read.state, State::whole);
    EXPECT_EQ(read.size, whole.size());
    EXPECT_EQ(read.sender, sender);
  }
}

TEST(ProxyHeaderTest, a_mapped_address_is_the_ipv4_address_that_it_stands_for) {
  Bytes mapped = six;
  std::fill(mapped.begin(), mapped.begin() + 10, 0);
  mapped[10] = mapped[11] = 0xff;
  std::copy(four.begin(), four.begin() + 4, mapped.begin() + 12);
  EXPECT_EQ(read_proxy_header(header(0x21, 0x22, mapped)).sender->source, endpoint("192.0.2.7:4000"));
}

TEST(ProxyHeaderTest, what_a_relay_adds_behind_the_addresses_is_passed_over) {
  const Bytes whole = header(0x21, 0x12, four + Bytes{0x20, 0, 2, 'x', 'y'});
  const auto read = read_proxy_header(whole);
  EXPECT_EQ(read.size, whole.size());
  EXPECT_EQ(read.sender->source, endpoint("192.0.2.7:4000"));
}

TEST(ProxyHeaderTest, a_relay_that_asks_by_itself_or_says_no_address_names_nobody) {
  for (const Bytes& whole : {header(0x20, 0x12, four), header(0x20, 0, {}), header(0x21, 0, {}),
                             header(0x21, 0x31, Bytes(216)), header(0x21, 0x10, four)}) {
    const auto read = read_proxy_header(whole);
    EXPECT_EQ(read.state, State::whole);
    EXPECT_EQ(read.size, whole.size());
    EXPECT_FALSE(read.sender);
  }
}

TEST(ProxyHeaderTest, a_header_that_breaks_the_rules_is_malformed) {
  for (const Bytes& broken : {header(0x11, 0x12, four), header(0x22, 0x12, four), header(0x21, 0x42, four),
                              header(0x21, 0x13, four), header(0x21, 0x22, four),
                              header(0x21, 0x12, Bytes(11)), header(0x21, 0x12, Bytes(4081))})
    EXPECT_EQ(read_proxy_header(broken).state, State::malformed);
}

TEST(ProxyHeaderTest, a_header_is_unfinished_until_its_last_byte) {
  const Bytes whole = header(0x21, 0x12, four);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read_proxy_header(std::span{whole}.first(size)).state, State::unfinished) << size;
}

TEST(ProxyHeaderTest, a_message_is_no_header) {
  for (std::size_t wrong = 0; wrong < signature.size(); ++wrong) {
    Bytes bytes = header(0x21, 0x12, four);
    ++bytes[wrong];
    EXPECT_EQ(read_proxy_header(bytes).state, State::none) << wrong;
    EXPECT_EQ(read_proxy_header(std::span{bytes}.first(wrong + 1)).state, State::none) << wrong;
  }
}

/// A query with these records in its additional section.
Bytes query(const std::vector<Bytes>& additional) {
  Bytes message{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(additional.size())};
  message = message + Bytes{1, 'a', 0, 0, 1, 0, 1};
  for (const Bytes& record : additional) message = message + record;
  return message;
}
Bytes record(std::uint16_t type, const Bytes& data, const Bytes& owner = {0}) {
  return owner +
         Bytes{static_cast<std::uint8_t>(type >> 8),  static_cast<std::uint8_t>(type), 0, 1, 0, 0, 0, 0, 0,
               static_cast<std::uint8_t>(data.size())} +
         data;
}
constexpr std::uint16_t xpf = 65422, opt = 41;

TEST(XpfTest, the_sender_and_how_he_came_stand_in_the_record) {
  EXPECT_EQ(read_xpf(query({record(opt, {}), record(xpf, Bytes{4, 17} + four)})).sender,
            (Sender{endpoint("192.0.2.7:4000"), Transport::udp}));
  EXPECT_EQ(read_xpf(query({record(xpf, Bytes{6, 6} + six)})).sender,
            (Sender{endpoint("[2001:db8::7]:4000"), Transport::tcp}));
}

TEST(XpfTest, a_message_without_one_names_nobody) {
  for (const Bytes& message : {query({}), query({record(opt, {})}), Bytes{}, Bytes(12), Bytes{0, 1, 0}}) {
    const auto read = read_xpf(message);
    EXPECT_FALSE(read.sender);
    EXPECT_FALSE(read.malformed);
  }
}

TEST(XpfTest, a_record_that_cannot_be_read_or_a_second_one_is_malformed) {
  const Bytes good = record(xpf, Bytes{4, 17} + four);
  for (const Bytes& message :
       {query({good, good}), query({record(xpf, {})}), query({record(xpf, Bytes{5, 17} + four)}),
        query({record(xpf, Bytes{4, 1} + four)}), query({record(xpf, Bytes{6, 17} + four)}),
        query({record(xpf, Bytes{4, 17} + four + Bytes{0})}),
        query({record(xpf, Bytes{4, 17} + four, {1, 'b', 0})})}) {
    EXPECT_TRUE(read_xpf(message).malformed);
    EXPECT_FALSE(read_xpf(message).sender);
  }
}

}  // namespace
}  // namespace rgw::dns
