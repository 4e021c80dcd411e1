// PCP messages (RFC 6887 sections 7 to 11):
// - a MAP request is read, with addresses of both families and the option to insist
// - what is no request is not answered; what cannot be read is answered by the error that says why
// - an option that must be understood and is not is an error, another is passed over
// - an error carries the request back, in version 2, padded and no longer than a message may be
// - a response carries what was asked, what was given and the options that were heeded
#include "realmgw/pcp/message.hpp"

#include "unit/pcp/requests.hpp"
#include <gtest/gtest.h>

namespace rgw::pcp {
namespace {

using test::Bytes;
using test::RequestBuilder;
using test::Seen;

std::optional<Result> error_of(const Bytes& bytes) {
  const auto read = read_request(bytes);
  const auto* error = std::get_if<Result>(&read);
  return error == nullptr ? std::nullopt : std::optional{*error};
}
Request request_of(const Bytes& bytes) {
  return std::get<Request>(read_request(bytes));
}
bool is_no_request(const Bytes& bytes) {
  return std::holds_alternative<NoRequest>(read_request(bytes));
}
const Bytes some_map = test::map_udp("10.0.0.42", 6881);

TEST(PcpRequest, a_map_request_is_read) {  // RFC 6887 section 11.1
  const auto request =
      request_of(RequestBuilder{Opcode::map, "10.0.0.42", 7200}.map(6, 22, "198.51.100.1:2222", 7).option(2));
  EXPECT_EQ(request.lifetime, 7200U);
  EXPECT_EQ(request.client, test::address("10.0.0.42"));
  const auto& map = std::get<MapRequest>(request.what);
  EXPECT_EQ(map.nonce, (Nonce{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}));
  EXPECT_EQ(map.protocol, 6);
  EXPECT_EQ(map.internal_port, 22);
  EXPECT_EQ(map.suggested, test::endpoint("198.51.100.1:2222"));
  EXPECT_TRUE(map.prefer_failure);
}

TEST(PcpRequest, addresses_are_of_either_family) {  // RFC 6887 section 5
  const auto request =
      request_of(RequestBuilder{Opcode::map, "fd00:10::5", 60}.map(17, 1, "[2001:db8::1]:9"));
  EXPECT_EQ(request.client, test::address("fd00:10::5"));
  EXPECT_EQ(std::get<MapRequest>(request.what).suggested, test::endpoint("[2001:db8::1]:9"));
  EXPECT_FALSE(std::get<MapRequest>(request.what).prefer_failure);
}

TEST(PcpRequest, responses_and_scraps_are_no_requests) {  // RFC 6887 section 8.2
  EXPECT_TRUE(is_no_request({}));
  EXPECT_TRUE(is_no_request({2}));
  EXPECT_TRUE(is_no_request({2, 1, 0, 0}));
  EXPECT_TRUE(is_no_request({some_map.begin(), some_map.begin() + 23})) << "less than a header";
  Bytes response = some_map;
  response[1] |= 0x80;
  EXPECT_TRUE(is_no_request(response));
}

TEST(PcpRequest, another_version_is_told_so_however_long) {  // RFC 6887 section 9, RFC 6886 section 3.5
  EXPECT_EQ(error_of({0, 0}), Result::unsupp_version);
  EXPECT_EQ(error_of({1, 1, 0, 0}), Result::unsupp_version);
  EXPECT_EQ(error_of(test::map_udp("10.0.0.42", 1).version(3)), Result::unsupp_version);
}

TEST(PcpRequest, a_length_that_no_message_has_is_malformed) {  // RFC 6887 section 7
  Bytes cut = some_map;
  cut.resize(24);
  EXPECT_EQ(error_of(cut), Result::malformed_request);
  cut = some_map;
  cut.resize(24 + 32);
  EXPECT_EQ(error_of(cut), Result::malformed_request);
  Bytes odd = some_map;
  odd.push_back(0);
  EXPECT_EQ(error_of(odd), Result::malformed_request);
  Bytes longest = some_map;
  while (longest.size() + 8 <= 1100) longest.insert(longest.end(), {200, 0, 0, 4, 1, 2, 3, 4});
  EXPECT_EQ(error_of(longest), std::nullopt);
  longest.insert(longest.end(), {200, 0, 0, 4, 1, 2, 3, 4});
  EXPECT_EQ(error_of(longest), Result::malformed_request);
}

TEST(PcpRequest, peer_and_unknown_opcodes_are_not_supported) {
  EXPECT_EQ(error_of(RequestBuilder{Opcode::peer, "10.0.0.42", 60}), Result::unsupp_opcode);
  EXPECT_EQ(error_of(RequestBuilder{Opcode{77}, "10.0.0.42", 60}), Result::unsupp_opcode);
}

TEST(PcpRequest, an_option_that_must_be_understood_is_refused_another_is_passed_over) {  // section 7.3
  EXPECT_EQ(error_of(test::map_udp("10.0.0.42", 1).option(1, Bytes(16))),
            Result::unsupp_option);  // THIRD_PARTY
  EXPECT_EQ(error_of(test::map_udp("10.0.0.42", 1).option(127)), Result::unsupp_option);
  EXPECT_EQ(error_of(test::announce("10.0.0.42").option(2)), Result::unsupp_option);
  EXPECT_EQ(error_of(test::map_udp("10.0.0.42", 1).option(128, {1, 2, 3}).option(255)), std::nullopt);
  const auto insists = RequestBuilder{Opcode::map, "10.0.0.42", 60}.map(17, 1, "0.0.0.0:7000");
  EXPECT_TRUE(std::get<MapRequest>(request_of(RequestBuilder{insists}.option(200, {1}).option(2)).what)
                  .prefer_failure);
}

TEST(PcpRequest, an_option_that_cannot_be_right_is_malformed) {
  const auto suggests = [](std::string_view external) {
    return RequestBuilder{Opcode::map, "10.0.0.42", 60}.map(17, 1, external);
  };
  EXPECT_EQ(error_of(suggests("0.0.0.0:7000").option(2)), std::nullopt);
  EXPECT_EQ(error_of(suggests("0.0.0.0:7000").option(2).option(2)), Result::malformed_option);
  EXPECT_EQ(error_of(suggests("0.0.0.0:7000").option(2, {1})), Result::malformed_option);
  for (const char* no_port : {"0.0.0.0:0", "198.51.100.1:0", "[::]:0", "[2001:db8::1]:0"})  // section 13.2
    EXPECT_EQ(error_of(suggests(no_port).option(2)), Result::malformed_option) << no_port;
  EXPECT_EQ(error_of(test::map_udp("10.0.0.42", 1, 0).option(2)), std::nullopt) << "a deletion";
  Bytes beyond = test::map_udp("10.0.0.42", 1).option(200, {1, 2, 3, 4});
  beyond[24 + 36 + 3] = 5;
  EXPECT_EQ(error_of(beyond), Result::malformed_option);
}

class PcpResponse : public testing::Test {
 protected:
  std::array<std::uint8_t, longest_message> room{};
};

TEST_F(PcpResponse, an_error_brings_the_request_back) {  // RFC 6887 section 8.2
  const Seen seen{write_error(some_map, Result::user_ex_quota, {30, 99}, room)};
  ASSERT_EQ(seen.size(), some_map.size());
  EXPECT_EQ(seen.byte(0), 2);
  EXPECT_EQ(seen.byte(1), 0x81);
  EXPECT_EQ(seen.byte(2), 0);
  EXPECT_EQ(seen.result(), Result::user_ex_quota);
  EXPECT_EQ(seen.lifetime(), 30U);
  EXPECT_EQ(seen.epoch(), 99U);
  EXPECT_TRUE(std::equal(seen.bytes().begin() + 24, seen.bytes().end(), some_map.begin() + 24));
  EXPECT_TRUE(
      std::all_of(seen.bytes().begin() + 12, seen.bytes().begin() + 24, [](auto b) { return b == 0; }));
}

TEST_F(PcpResponse, an_error_about_what_was_not_understood_keeps_the_clients_address) {  // section 7.2
  const Seen seen{write_error(some_map, Result::unsupp_option, {1800, 1}, room)};
  EXPECT_TRUE(std::equal(seen.bytes().begin() + 12, seen.bytes().begin() + 24, some_map.begin() + 12));
}

TEST_F(PcpResponse, an_error_is_padded_to_a_header_at_least_and_cut_to_a_message_at_most) {
  const Seen nat_pmp{write_error(Bytes{0, 1}, Result::unsupp_version, {1800, 5}, room)};
  ASSERT_EQ(nat_pmp.size(), 24U);
  EXPECT_EQ(nat_pmp.byte(0), 2);
  EXPECT_EQ(nat_pmp.byte(1), 0x81);
  EXPECT_EQ(nat_pmp.byte(2) << 8 | nat_pmp.byte(3),
            1);  // RFC 6886 section 3.5 reads 16 bits: unsupported version
  Bytes odd = some_map;
  odd.push_back(7);
  EXPECT_EQ(Seen{write_error(odd, Result::malformed_request, {}, room)}.size(), 64U);
  EXPECT_EQ(Seen{write_error(Bytes(1104, 2), Result::malformed_request, {}, room)}.size(), 1100U);
}

TEST_F(PcpResponse, a_mapping_is_told_with_the_option_that_was_heeded) {  // RFC 6887 section 11.1
  const auto request =
      request_of(RequestBuilder{Opcode::map, "10.0.0.42", 7200}.map(6, 22, "198.51.100.1:2022").option(2));
  const Seen seen{
      write_map(std::get<MapRequest>(request.what), test::endpoint("198.51.100.1:2022"), {3600, 12}, room)};
  ASSERT_EQ(seen.size(), 24U + 36U + 4U);
  EXPECT_EQ(seen.to_string(), "0 3600 198.51.100.1:2022");
  EXPECT_EQ(seen.epoch(), 12U);
  EXPECT_EQ(seen.internal_port(), 22U);
  EXPECT_EQ(seen.byte(24), 1);
  EXPECT_EQ(seen.byte(24 + 12), 6);
  EXPECT_EQ((Bytes{seen.bytes().end() - 4, seen.bytes().end()}), (Bytes{2, 0, 0, 0}));
}

TEST_F(PcpResponse, errors_last_half_a_minute_or_half_an_hour) {  // RFC 6887 section 7.4
  for (const auto result : {Result::network_failure, Result::no_resources, Result::user_ex_quota,
                            Result::cannot_provide_external})
    EXPECT_EQ(error_lifetime(result), 30U);
  for (const auto result :
       {Result::unsupp_version, Result::not_authorized, Result::malformed_request, Result::unsupp_opcode,
        Result::unsupp_option, Result::malformed_option, Result::unsupp_protocol, Result::address_mismatch,
        Result::excessive_remote_peers})
    EXPECT_EQ(error_lifetime(result), 1800U);
}

}  // namespace
}  // namespace rgw::pcp
