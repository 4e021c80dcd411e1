// A gateway that translates statelessly, with the addresses of the seed's table.
#pragma once

#include "scenario/support.hpp"
#include "support/gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {

inline config::Realm siit_realm() {
  config::Realm realm = lab_realm();
  realm.ports[0].addresses = {*net::InterfaceAddress::parse("2001:db8:42::77/64")};
  realm.ports[1].addresses = {*net::InterfaceAddress::parse("10.0.0.77/24")};
  realm.routes = {};
  realm.outbound.addresses = {};
  realm.pool.addresses = {};
  realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
  realm.siit.maps = {{*net::Prefix::parse("10.0.1.42"), *net::Prefix::parse("2001:db8:42::42")},
                     {*net::Prefix::parse("10.0.0.66"), *net::Prefix::parse("2001:db8:42::66")},
                     {*net::Prefix::parse("10.0.2.0/24"), *net::Prefix::parse("2001:db8:42::200/120")}};
  return realm;
}

class Siit : public testing::Test {
 protected:
  Siit() {
    for (const auto* host : {"2001:db8:42::42", "2001:db8:42::66", "2001:db8:42::209"})
      gateway.learn(Gateway::inside, host);
    gateway.learn(Gateway::outside, "10.0.0.42");
  }
  Gateway gateway{siit_realm()};
};

}  // namespace rgw::test
