// The Client Subnet option (RFC 7871): what is read, what is malformed, and what an answer says.
//   - section 6: lengths, bits beyond the prefix, the scope of a query
//   - section 7.2.1: each answer to a query with the option has it, too
//   - GUARD-4: whom it is believed of, and that the answer is then for these clients alone
#include "realmgw/dns/client_subnet.hpp"

#include <string_view>

#include "support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns::test {
namespace {

using namespace std::string_literals;
using testing::IsEmpty;

constexpr unsigned subnet_option = 8, formerr = 1;

std::optional<ClientSubnet> read(const std::string& data) {
  return read_client_subnet({reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
}
std::string written(const ClientSubnetEcho& echo) {
  return {echo.data().begin(), echo.data().end()};
}

const std::string v4_24 = "\0\1\x18\0\xcb\0\x71"s;             // 203.0.113.0/24
const std::string v6_56 = "\0\2\x38\0\x20\1\x0d\xb8\0\x9\1"s;  // 2001:db8:9:100::/56

TEST(ClientSubnetOption, is_read_and_said_again_with_the_scope_of_the_answer) {
  for (const auto& [data, prefix, narrow] :
       {std::tuple{v4_24, "203.0.113.0/24", "\0\1\x18\x18\xcb\0\x71"s},
        {v6_56, "2001:db8:9:100::/56", "\0\2\x38\x38\x20\1\x0d\xb8\0\x9\1"s},
        {"\0\1\x19\0\xcb\0\x71\x80"s, "203.0.113.128/25", "\0\1\x19\x19\xcb\0\x71\x80"s},
        {"\0\1\0\0"s, "0.0.0.0/0", "\0\1\0\0"s},
        {"\0\2\0\0"s, "::/0", "\0\2\0\0"s}}) {
    const auto subnet = read(data);
    ASSERT_TRUE(subnet) << prefix;
    EXPECT_EQ(subnet->prefix.to_string(), prefix);
    ClientSubnetEcho echo{*subnet};
    EXPECT_EQ(written(echo), data);
    echo.narrow();
    EXPECT_EQ(written(echo), narrow);
  }
}

TEST(ClientSubnetOption, may_name_no_family_where_it_tells_nothing) {  // as `dig +subnet=0`
  const auto subnet = read("\0\0\0\0"s);
  ASSERT_TRUE(subnet);
  EXPECT_EQ(subnet->prefix.length(), 0U);
  EXPECT_EQ(written(ClientSubnetEcho{*subnet}), "\0\0\0\0"s);
}

const std::string malformed[] = {""s,
                                 "\0\1\x18"s,
                                 "\0\1\x18\0\xcb\0"s,          // too few bytes
                                 "\0\1\x18\0\xcb\0\x71\0"s,    // too many
                                 "\0\1\x17\0\xcb\0\x71"s,      // a bit beyond the prefix
                                 "\0\1\x18\x18\xcb\0\x71"s,    // a scope in a query
                                 "\0\1\x21\0\xcb\0\x71\0\0"s,  // longer than an address
                                 "\0\3\x18\0\xcb\0\x71"s,      // no family that is known
                                 "\0\0\x08\0\xcb"s,            // a prefix of no family
                                 "\0\2\xff\0"s + std::string(32, '\0')};

TEST(ClientSubnetOption, is_malformed_in_any_other_form) {  // section 6
  for (const auto& data : malformed) {
    EXPECT_FALSE(read(data)) << testing::PrintToString(data);
    Fixture gateway;
    const auto answer = gateway.ask(query("hosta.foo").edns(1232).option(subnet_option, data));
    EXPECT_EQ(answer.rcode, formerr) << testing::PrintToString(data);
    EXPECT_FALSE(answer.options.contains(subnet_option));
    EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
  }
}

TEST(ClientSubnetOption, twice_is_malformed) {
  Fixture gateway;
  EXPECT_EQ(
      gateway.ask(query("foo").edns(1232).option(subnet_option, v4_24).option(subnet_option, v4_24)).rcode,
      formerr);
}

/// A gateway that believes 192.0.2.0/24, which is where the fixture asks from.
struct Trusting : Fixture {
  Trusting() : Fixture{{foo_spec()}, trusting()} {}
  static ResponderConfig trusting() {
    ResponderConfig config;
    config.trusted = {*net::Prefix::parse("192.0.2.0/24")};
    return config;
  }
  Answer ask_for(const std::string& subnet, std::string_view name = "hosta.foo", RrType type = RrType::a) {
    return ask(query(name).type(type).edns(1232).option(subnet_option, subnet));
  }
  /// The scope in the answer; 255 where it has no option.
  static unsigned scope(const Answer& answer) {
    const auto found = answer.options.find(subnet_option);
    return found == answer.options.end() ? 255U : static_cast<std::uint8_t>(found->second[3]);
  }
};

TEST(ClientSubnetOption, of_a_trusted_resolver_binds_the_claim_and_the_answer) {  // GUARD-4
  Trusting gateway;
  EXPECT_EQ(Trusting::scope(gateway.ask_for(v4_24)), 24U);
  EXPECT_EQ(Trusting::scope(gateway.ask_for(v6_56, "hosta.foo", RrType::aaaa)), 56U);
  ASSERT_EQ(gateway.hosts.reserved.size(), 2U);
  EXPECT_EQ(gateway.hosts.reserved[0].requester.client->to_string(), "203.0.113.0/24");
  EXPECT_EQ(gateway.hosts.reserved[1].requester.client->to_string(), "2001:db8:9:100::/56");
  EXPECT_EQ(gateway.count(Counter::dns_bound), 2U);
}

TEST(ClientSubnetOption, binds_nothing_where_the_families_differ_or_it_tells_nothing_or_nobody_trusts_it) {
  Trusting gateway;
  EXPECT_EQ(Trusting::scope(gateway.ask_for(v4_24, "hosta.foo", RrType::aaaa)), 0U);
  EXPECT_EQ(Trusting::scope(gateway.ask_for("\0\1\0\0"s)), 0U);
  EXPECT_FALSE(gateway.hosts.reserved.back().requester.client);
  gateway.client.source = *net::Endpoint::parse("192.0.3.53:40000");
  EXPECT_EQ(Trusting::scope(gateway.ask_for(v4_24)), 0U);
  EXPECT_FALSE(gateway.hosts.reserved.back().requester.client);
  EXPECT_EQ(gateway.count(Counter::dns_bound), 0U);
}

TEST(ClientSubnetOption, stands_in_each_answer_whose_query_has_it_and_in_no_other) {  // section 7.2.1
  Trusting gateway;
  for (const auto& [name, type] :
       {std::pair{"foo", RrType::soa}, {"nobody.foo", RrType::a}, {"x.bar", RrType::a}}) {
    const auto answer = gateway.ask_for(v4_24, name, type);
    EXPECT_EQ(Trusting::scope(answer), 0U) << name;
    EXPECT_EQ(answer.options.at(subnet_option), v4_24);
  }
  EXPECT_EQ(Trusting::scope(gateway.ask(query("hosta.foo").edns(1232))), 255U);
}

TEST(ClientSubnetOption, holds_for_the_answer_to_a_query_that_waited) {
  Trusting gateway;
  gateway.hosts.reservation = Waiting{Ticket{7}};
  const auto outcome = gateway.send(query("hosta.foo").edns(1232).option(subnet_option, v4_24).bytes());
  const auto* pending = std::get_if<PendingQuery>(&outcome);
  ASSERT_NE(pending, nullptr);
  EXPECT_EQ(gateway.count(Counter::dns_bound), 0U);
  const auto ended =
      gateway.responder.complete(*pending, net::IpAddress::parse("198.51.100.10"), gateway.room);
  const auto answer = decode(std::get<Answered>(ended).bytes);
  EXPECT_EQ(Trusting::scope(answer), 24U);
  EXPECT_EQ(gateway.count(Counter::dns_bound), 1U);
}

}  // namespace
}  // namespace rgw::dns::test
