// Reverse names and DHCID records that updates have made (DNS-6), as the responder answers them.
#include "realmgw/dns/responder.hpp"

#include "unit/dns/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::Answer;
using test::query;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned noerror = 0, nxdomain = 3;

struct MadeNames final : DynamicNames {
  std::vector<std::string> dhcid{std::string("\0\2\1abc", 6)};
  bool any = true;

  Found find(std::span<const std::string_view> labels, RrType type, View) override {
    if (labels.front() != "x") return {};
    Found found{};
    found.kind = type == RrType::dhcid ? Found::Kind::data : Found::Kind::no_data;
    found.ttl = 77;
    found.data = dhcid;
    return found;
  }
  std::optional<FoundName> reverse(const net::IpAddress& address, View view) override {
    if (view == View::outside || !any || address != net::IpAddress::parse("10.0.0.7")) return std::nullopt;
    return FoundName{Name::from_text("x.foo").value(), 88};
  }
  bool has_reverse(View view) const override { return any && view == View::inside; }
  Reservation reserve(HostId, const net::Service&, net::Family, const Requester&, const Question&,
                      Instant) override {
    return Refused{};
  }
};

class MadeNamesTest : public testing::Test {
 protected:
  static ZoneSet zones() {
    std::vector<Zone> all;
    for (const auto* name : {"foo", "10.in-addr.arpa"}) {
      ZoneSpec spec{.name = name, .nameservers = {"ns1.foo"}, .contact = {}, .records = {}};
      if (all.empty()) {
        spec.records.push_back({"ns1", "A", "198.51.100.1", std::nullopt});
        spec.dynamic = true;
      } else {
        spec.records.push_back({"1.0.0", "PTR", "gw.foo.", std::nullopt});
      }
      all.emplace_back(spec);
    }
    return ZoneSet{std::move(all)};
  }
  Answer ask(const char* name, RrType type, View view = View::inside) {
    const Client client{net::Endpoint::parse("10.0.0.9:4000").value(), Transport::udp, view};
    const auto outcome = responder.respond(query(name).type(type).bytes(), client, Instant{}, room);
    return test::decode(std::get<Answered>(outcome).bytes);
  }

  CounterBlock counters;
  MadeNames names;
  Responder responder{{}, zones(), &names, counters};
  std::array<std::uint8_t, 1232> room{};
};

TEST_F(MadeNamesTest, a_pointer_is_answered_to_the_inside_alone) {  // DNS-6
  EXPECT_THAT(ask("7.0.0.10.in-addr.arpa", RrType::ptr).answer,
              ElementsAre("7.0.0.10.in-addr.arpa. 88 PTR x.foo."));
  EXPECT_EQ(ask("7.0.0.10.in-addr.arpa", RrType::txt).rcode, noerror);
  EXPECT_THAT(ask("7.0.0.10.in-addr.arpa", RrType::txt).answer, IsEmpty());
  EXPECT_EQ(ask("7.0.0.10.in-addr.arpa", RrType::ptr, View::outside).rcode, nxdomain);
  EXPECT_EQ(ask("8.0.0.10.in-addr.arpa", RrType::ptr).rcode, nxdomain);
}

TEST_F(MadeNamesTest, a_record_of_the_realm_file_comes_first) {
  EXPECT_THAT(ask("1.0.0.10.in-addr.arpa", RrType::ptr).answer,
              ElementsAre("1.0.0.10.in-addr.arpa. 3600 PTR gw.foo."));
}

TEST_F(MadeNamesTest, a_name_above_pointers_is_never_denied_while_there_are_any) {  // RFC 8020, RFC 9156
  EXPECT_EQ(ask("9.0.10.in-addr.arpa", RrType::ptr).rcode, noerror);
  EXPECT_EQ(ask("9.0.10.in-addr.arpa", RrType::ptr, View::outside).rcode, nxdomain);
  names.any = false;
  EXPECT_EQ(ask("9.0.10.in-addr.arpa", RrType::ptr).rcode, nxdomain);
}

TEST_F(MadeNamesTest, a_dhcid_record_is_answered) {  // DNS-6, RFC 4701
  const auto answer = ask("x.foo", RrType::dhcid);
  ASSERT_EQ(answer.answer.size(), 1U);
  EXPECT_THAT(answer.answer[0], testing::StartsWith("x.foo. 77 DHCID "));
  names.dhcid.clear();
  EXPECT_THAT(ask("x.foo", RrType::dhcid).answer, IsEmpty());
  EXPECT_EQ(ask("x.foo", RrType::dhcid).rcode, noerror);
}

}  // namespace
}  // namespace rgw::dns
