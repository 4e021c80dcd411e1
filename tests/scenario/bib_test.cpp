// The binding information base (RFC 6146 section 3.1), with 1, 2 and 4 workers:
// - static entries across the families, from IPv4 to IPv6 and back, used from either side
// - what an operator sees of static and dynamic mappings
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

config::Realm families_with_entries() {
  return realm_with([](config::Realm& realm) {
    realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
    for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
      for (std::uint16_t i = 0; i < 8; ++i) {
        realm.static_mappings.push_back(
            {protocol, endpoint(at("198.51.100.1", 2000U + i)), endpoint(at("fd00:10::5", 3000U + i))});
        realm.static_mappings.push_back(
            {protocol, endpoint(at("2001:db8:100::1", 2000U + i)), endpoint(at("10.0.0.42", 3000U + i))});
      }
    }
  });
}

class Bib : public WithWorkers {
 protected:
  Bib() {
    gateway.learn(Gateway::inside, "fd00:10::5");
    gateway.learn(Gateway::outside, "2001:db8:100::fe");
  }
  std::vector<nat::MappingInfo> listed() {
    std::vector<nat::MappingInfo> all;
    const auto page = std::make_unique<ring::MappingsPage>();
    for (unsigned i = 0; i < gateway.workers(); ++i) {
      std::uint32_t cursor = 0;
      for (bool last = false; !last;) {
        static_cast<void>(gateway.rings(i).events_to_worker.push(ring::MappingsQuery{page.get(), cursor}));
        gateway.turn();
        for (const auto& event : gateway.events()) {
          const auto* filled = std::get_if<ring::MappingsPageFilled>(&event);
          if (filled == nullptr) continue;
          cursor = filled->next_cursor;
          last = filled->last;
          all.insert(all.end(), page->rows, page->rows + page->count);
        }
      }
    }
    return all;
  }
  Gateway gateway{families_with_entries(), GetParam()};
};
RGW_WITH_WORKERS(Bib);

TEST_P(Bib, a_static_entry_lets_ipv4_reach_an_ipv6_host) {  // RFC 6146 section 3.5.2.2, POOL-12
  for (unsigned i = 0; i < 8; ++i) {
    const auto in = gateway.in(tcp("203.0.113.10:4000", at("198.51.100.1", 2000 + i)).syn());
    ASSERT_TRUE(in);
    EXPECT_EQ(in->to_string(), "tcp [fd64::cb00:710a]:4000 > " + at("fd00:10::5", 3000 + i));
    EXPECT_TRUE(in->checksums_right());
    const auto back = gateway.out(tcp(at("fd00:10::5", 3000 + i), "[fd64::203.0.113.10]:4000").syn_ack());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->to_string(), "tcp " + at("198.51.100.1", 2000 + i) + " > 203.0.113.10:4000");
    EXPECT_TRUE(back->checksums_right());
  }
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), 8U);
}

TEST_P(Bib, a_static_entry_lets_ipv6_reach_an_ipv4_host) {  // POOL-12, X46-1
  for (unsigned i = 0; i < 8; ++i) {
    const auto in = gateway.in(udp("[2001:db8:9::9]:4000", at("2001:db8:100::1", 2000 + i)).payload(8));
    ASSERT_TRUE(in);
    EXPECT_EQ(in->destination(), address("10.0.0.42"));
    EXPECT_EQ(in->destination_port(), 3000 + i);
    EXPECT_TRUE(net::Prefix::parse("100.64.0.0/16")->contains(in->source()));
    EXPECT_TRUE(in->checksums_right());
    const auto back =
        gateway.out(udp(at("10.0.0.42", 3000 + i), at(in->source().to_string(), 4000)).payload(8));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->to_string(), "udp " + at("2001:db8:100::1", 2000 + i) + " > [2001:db8:9::9]:4000");
    EXPECT_TRUE(back->checksums_right());
  }
}

TEST_P(Bib, what_the_host_sends_from_a_static_entry_leaves_with_it) {  // RFC 6146 section 3.5.1.1
  for (unsigned i = 0; i < 8; ++i) {
    EXPECT_EQ(text(gateway.out(udp(at("fd00:10::5", 3000 + i), "[fd64::203.0.113.10]:53").payload(8))),
              "udp " + at("198.51.100.1", 2000 + i) + " > 203.0.113.10:53");
    // Towards IPv6 the entry says nothing: NAT66 chooses.
    EXPECT_EQ(text(gateway.in(udp("203.0.113.10:53", at("198.51.100.1", 2000 + i)).payload(8))),
              "udp [fd64::cb00:710a]:53 > " + at("fd00:10::5", 3000 + i));
  }
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), 0U);
}

TEST_P(Bib, an_operator_sees_entries_and_their_sessions) {  // OPS-3
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.1:2000").syn()));
  ASSERT_TRUE(gateway.in(tcp("203.0.113.11:4000", "198.51.100.1:2000").syn()));
  const auto out = gateway.out(udp("[fd00:10::5]:5000", "[fd64::203.0.113.10]:53").payload(8));
  ASSERT_TRUE(out);
  ASSERT_TRUE(gateway.out(udp("[fd00:10::5]:5000", "[fd64::203.0.113.11]:53").payload(8)));
  const auto all = listed();
  ASSERT_EQ(all.size(), 33U) << "each static entry once, and a dynamic one";
  const auto find = [&](const char* inside, Protocol protocol) -> const nat::MappingInfo* {
    const auto row = std::ranges::find_if(
        all, [&](const auto& r) { return r.inside == endpoint(inside) && r.protocol == protocol; });
    return row == all.end() ? nullptr : &*row;
  };
  const auto* fixed = find("[fd00:10::5]:3000", Protocol::tcp);
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->kind, nat::MappingInfo::Kind::fixed);
  EXPECT_EQ(fixed->external, endpoint("198.51.100.1:2000"));
  EXPECT_EQ(fixed->sessions, 2U);
  EXPECT_EQ(fixed->worker, home_of(gateway, "fd00:10::5").value());
  EXPECT_EQ(find("[fd00:10::5]:3000", Protocol::udp)->sessions, 0U);
  const auto* dynamic = find("[fd00:10::5]:5000", Protocol::udp);
  ASSERT_TRUE(dynamic);
  EXPECT_EQ(dynamic->kind, nat::MappingInfo::Kind::dynamic);
  EXPECT_EQ(dynamic->external, endpoint(at("198.51.100.1", out->source_port())));
  EXPECT_EQ(dynamic->sessions, 2U);
}

TEST_P(Bib, static_entries_stay_and_dynamic_ones_go_with_their_last_session) {  // RFC 6146 section 3.1
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", "198.51.100.1:2000").payload(8)));
  ASSERT_TRUE(gateway.out(udp("[fd00:10::5]:5000", "[fd64::203.0.113.10]:53").payload(8)));
  pass(gateway, 301s);
  const auto all = listed();
  EXPECT_EQ(all.size(), 32U);
  for (const auto& row : all) EXPECT_EQ(row.sessions, 0U) << row.external.to_string();
  EXPECT_TRUE(gateway.in(udp("203.0.113.10:4000", "198.51.100.1:2000").payload(8)));
}

}  // namespace
}  // namespace rgw::test
