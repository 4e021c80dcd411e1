// GUARD-1: RFC 9018, whose appendix A other name servers pass, too.
#include "realmgw/dns/server_cookies.hpp"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

std::vector<std::uint8_t> bytes(std::string_view hex) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return out;
}
template <std::size_t size>
std::array<std::uint8_t, size> array(std::string_view hex) {
  const auto from = bytes(hex);
  std::array<std::uint8_t, size> out{};
  std::copy_n(from.begin(), size, out.begin());
  return out;
}
net::IpAddress ip(const char* text) {
  return *net::IpAddress::parse(text);
}

const auto secret = array<16>("e5e973e5a6b2a43f48e7dc849e37bfcf");
const auto client = array<8>("2464c4abcf10c957");
const auto address = ip("198.51.100.100");

struct At {
  std::uint32_t now;
  ServerCookies cookies{{secret}, [this] { return now; }};
};

// Appendix A.1.
TEST(ServerCookies, are_those_of_rfc_9018) {
  const At at{1559731985};
  EXPECT_EQ(at.cookies.make(client, address), (array<16>("010000005cf79f111f8130c3eee29480")));
  EXPECT_TRUE(at.cookies.knows(bytes("010000005cf79f111f8130c3eee29480"), client, address));
}

// Appendix A.2.
TEST(ServerCookies, are_made_anew_for_whoever_has_one) {
  const At at{1559734385};
  EXPECT_TRUE(at.cookies.knows(bytes("010000005cf79f111f8130c3eee29480"), client, address));
  EXPECT_EQ(at.cookies.make(client, address), (array<16>("010000005cf7a871d4a564a1442aca77")));
}

// Appendix A.3: reserved bytes may be anything, and count in the hash. Looked at while the cookie is young.
TEST(ServerCookies, with_reserved_bytes_of_another_server_are_known) {
  const At at{1559727985 + 60};
  EXPECT_TRUE(at.cookies.knows(bytes("01abcdef5cf78f71a314227b6679ebf5"), array<8>("fc93fc62807ddb86"),
                               ip("203.0.113.203")));
}

// Appendix A.4: made by the old secret, known while both are.
TEST(ServerCookies, of_an_old_secret_are_known_while_it_stands_and_new_ones_are_of_the_first) {
  constexpr auto now = [] { return 1559741961U; };
  const auto old_secret = array<16>("dd3bdf9344b678b185a6f5cb60fca715");
  const auto next_secret = array<16>("445536bcd2513298075a5d379663c962");
  const auto ipv6 = ip("2001:db8:220:1:59de:d0f4:8769:82b8");
  const auto of_client = array<8>("22681ab97d52c298");
  const auto old = bytes("010000005cf7c57926556bd0934c72f8");
  const ServerCookies both{{next_secret, old_secret}, now};
  EXPECT_TRUE(both.knows(old, of_client, ipv6));
  EXPECT_EQ(both.make(of_client, ipv6), (array<16>("010000005cf7c609a6bb79d16625507a")));
  EXPECT_FALSE((ServerCookies{{next_secret}, now}.knows(old, of_client, ipv6)));
}

// Section 4.3.
TEST(ServerCookies, are_good_for_an_hour_and_five_minutes_ahead) {
  At at{1'000'000};
  const auto cookie = at.cookies.make(client, address);
  for (const auto& [now, good] :
       {std::pair{1'003'599U, true}, {1'003'600U, false}, {999'700U, true}, {999'699U, false}}) {
    at.now = now;
    EXPECT_EQ(at.cookies.knows(cookie, client, address), good) << now;
  }
  // RFC 1982: across the end of the 32 bits.
  at.now = 0xffffff00;
  const auto late = at.cookies.make(client, address);
  at.now = 0x00000100;
  EXPECT_TRUE(at.cookies.knows(late, client, address));
}

TEST(ServerCookies, of_another_client_address_or_bit_are_not_known) {
  const At at{1559731985};
  const auto cookie = at.cookies.make(client, address);
  EXPECT_FALSE(at.cookies.knows(cookie, array<8>("2464c4abcf10c958"), address));
  EXPECT_FALSE(at.cookies.knows(cookie, client, ip("198.51.100.101")));
  EXPECT_FALSE(at.cookies.knows(cookie, client, ip("2001:db8::1")));
  for (std::size_t bit = 0; bit < 8 * cookie.size(); ++bit) {
    auto other = cookie;
    other[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(at.cookies.knows(other, client, address)) << bit;
  }
  EXPECT_FALSE(at.cookies.knows(std::span{cookie}.first(15), client, address));
  EXPECT_FALSE(at.cookies.knows({}, client, address));
}

}  // namespace
}  // namespace rgw::dns
