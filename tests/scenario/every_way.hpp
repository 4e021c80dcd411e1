// A gateway with every way at once that a packet may take.
#pragma once

#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {

inline constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

/// Every way at once. IPv4 10.0.0.42 and IPv6 fd00:10::5 have sessions, fd00:10::6 a map, fd00:20::7 NPTv6.
inline config::Realm every_way(const char* prefix = "fd64::/96") {
  return realm_with([&](config::Realm& realm) {
    realm.outbound.addresses.push_back(address("2001:db8:100::1"));
    realm.outbound.filtering = config::Outbound::Filtering::endpoint_independent;
    realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
    realm.outbound.untranslated = {*net::Prefix::parse("192.0.2.0/24"), *net::Prefix::parse("169.254.0.0/16"),
                                   *net::Prefix::parse("2001:db8:7::/48"), *net::Prefix::parse("fe80::/10")};
    realm.ports[0].addresses.push_back(*net::InterfaceAddress::parse("fd00:20::1/64"));
    realm.nat64.prefix = net::Prefix::parse(prefix);
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
    realm.nat66.npt = {{*net::Prefix::parse("fd00:20::/48"), *net::Prefix::parse("2001:db8:200::/48")}};
    realm.siit.prefix = net::Prefix::parse("2001:db8:64::/96");
    realm.siit.maps = {{*net::Prefix::parse("198.51.100.20"), *net::Prefix::parse("fd00:10::6")}};
  });
}

struct EveryWay : Gateway {
  explicit EveryWay(unsigned workers = 1, config::Realm realm = every_way())
      : Gateway{std::move(realm), workers} {
    for (const char* host : {"fd00:10::5", "fd00:10::6", "fd00:20::7"}) learn(inside, host);
    learn(outside, "2001:db8:100::fe");
  }
  void expect_silence(const Bytes& packet, unsigned port, Counter counter, const std::string& what) {
    expect_drop(packet, port, counter, what, "nothing");
  }
  /// RFC 7915 sections 4.4 and 5.4: its sender is told that it is prohibited.
  void expect_prohibited(const Bytes& packet, unsigned port, Counter counter, const std::string& what) {
    expect_drop(packet, port, counter, what, port == inside ? "icmp1" : "icmp3");
  }
  void expect_drop(const Bytes& packet, unsigned port, Counter counter, const std::string& what,
                   const std::string& answer) {
    const auto before = count(counter);
    const auto had = sessions();
    put(port, packet);
    turn();
    EXPECT_EQ(count(counter), before + 1) << what << " was not counted as " << info(counter).name;
    EXPECT_EQ(sessions(), had) << what << " opened a session";
    for (const unsigned each : {inside, outside}) {
      const std::string seen = text(take(each));
      EXPECT_EQ(seen.substr(0, seen.find(' ')), each == port ? answer : "nothing") << what;
    }
    EXPECT_TRUE(punted().empty()) << what;
  }
};

}  // namespace rgw::test
